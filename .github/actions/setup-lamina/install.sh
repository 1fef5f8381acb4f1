#!/usr/bin/env bash
# Installs a release of lamina into a new folder and adds the folder to the PATH of later steps.
#
# LAMINA_VERSION   the version, such as 1.2.3, or latest
# LAMINA_RELEASES  the address of the releases; tests set it to a local folder
set -euo pipefail
releases=${LAMINA_RELEASES:-https://github.com/uselamina/lamina/releases}
version=${LAMINA_VERSION:-latest}
version=${version#v}

fail() {
	printf '::error::%s\n' "$*"
	exit 1
}

fetch() { curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --max-time 300 --output "$2" "$1"; }

case $(uname -s) in
Linux) system=linux ending=tar.gz ;;
Darwin) system=darwin ending=tar.gz ;;
MINGW* | MSYS* | CYGWIN*) system=windows ending=zip ;;
*) fail "there is no release of lamina for $(uname -s)" ;;
esac
case $(uname -m) in
x86_64 | amd64) processor=amd64 ;;
arm64 | aarch64) processor=arm64 ;;
*) fail "there is no release of lamina for $(uname -m)" ;;
esac

folder=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/lamina.XXXXXX")
cd "$folder"
from=$releases/latest/download
if [[ $version != latest ]]; then
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "the version must be like 1.2.3, not $version"
	from=$releases/download/v$version
fi
fetch "$from/checksums.txt" checksums.txt || fail "could not download the checksums of lamina $version"
pattern=" lamina_[0-9][^ ]*_${system}_${processor}\\.${ending//./\\.}\$"
line=$(grep -E "$pattern" checksums.txt) || fail "the release has no archive for $system on $processor"
archive=${line##* }
fetch "$from/$archive" "$archive" || fail "could not download $archive"
if command -v sha256sum >/dev/null; then
	sum=$(sha256sum "$archive")
else
	sum=$(shasum -a 256 "$archive")
fi
[[ ${sum%% *} == "${line%% *}" ]] || fail "the SHA-256 sum of $archive is wrong: the file was not installed"

mkdir bin
if [[ $ending == zip ]]; then
	unzip -q "$archive" lamina.exe -d bin
else
	tar -xzf "$archive" -C bin lamina
fi
rm "$archive" checksums.txt
version=${archive#lamina_}
version=${version%"_${system}_${processor}.${ending}"}
printf '%s\n' "$folder/bin" >>"$GITHUB_PATH"
printf 'version=%s\n' "$version" >>"$GITHUB_OUTPUT"
printf 'Installed lamina %s\n' "$version"
