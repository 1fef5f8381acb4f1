package upgrade

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	module   = "github.com/uselamina/lamina/cmd/lamina"
	releases = "https://github.com/uselamina/lamina/releases/latest"
)

// An installation is how this program was installed, and the command that upgrades it.
type installation struct {
	Method  string `json:"method"`  // brew, scoop, winget, npm, pnpm, dpkg, rpm, go, source or file
	Command string `json:"command"` // "" if there is none
	URL     string `json:"url"`     // of the releases, if something must be downloaded first
}

// facts are what tells how a program was installed.
type facts struct {
	path      string // of the executable, without symbolic links
	isModule  bool   // the build information has the checksum of a module: go install built it
	isRelease bool   // a release build
	exists    func(path string) bool
}

// detect finds out how the program was installed.
func detect(f facts) installation {
	name := strings.ReplaceAll(f.path, `\`, "/")
	lower := strings.ToLower(name)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(lower, part) })
	}
	switch {
	case has("/node_modules/"):
		return detectNode(name)
	case has("/caskroom/lamina/"):
		return installation{Method: "brew", Command: "brew upgrade --cask lamina"}
	case has("/cellar/lamina/"):
		return installation{Method: "brew", Command: "brew upgrade lamina"}
	case has("/scoop/apps/lamina/", "/scoop/shims/"):
		return installation{Method: "scoop", Command: "scoop update lamina"}
	case has("/winget/packages/", "/winget/links/"):
		return installation{Method: "winget", Command: "winget upgrade lamina"}
	case f.isModule:
		return installation{Method: "go", Command: "go install " + module + "@latest"}
	case path.Dir(name) == "/usr/bin" && f.exists("/var/lib/dpkg/info/lamina.list"):
		return installation{Method: "dpkg", Command: "sudo dpkg -i ./lamina_*.deb", URL: releases}
	case path.Dir(name) == "/usr/bin" && (f.exists("/var/lib/rpm") || f.exists("/usr/lib/sysimage/rpm")):
		return installation{Method: "rpm", Command: "sudo rpm -U ./lamina_*.rpm", URL: releases}
	case !f.isRelease:
		return installation{Method: "source", Command: "go install " + module + "@latest"}
	}
	return installation{Method: "file", URL: releases}
}

// detectNode returns the installation of a package of npm or pnpm. The executable may be in a package of the platform, below the one
// that the user installed.
func detectNode(name string) installation {
	_, after, _ := strings.Cut(name, "/node_modules/")
	first := packageName(after)
	_, isPNPM := strings.CutPrefix(first, ".pnpm")
	if last := strings.LastIndex(name, "/node_modules/"); isPNPM {
		first = packageName(name[last+len("/node_modules/"):])
	}
	first = regexp.MustCompile(`-(linux|darwin|win32)-(x64|arm64)$`).ReplaceAllString(first, "")
	isGlobal := regexp.MustCompile(`(?i)(/lib|/npm|/nodejs|/global/\d+)/node_modules/`).MatchString(name)
	switch {
	case strings.Contains(name, "/_npx/"):
		return installation{Method: "npm", Command: "npx " + first + "@latest"}
	case isPNPM && isGlobal:
		return installation{Method: "pnpm", Command: "pnpm add --global " + first + "@latest"}
	case isPNPM:
		return installation{Method: "pnpm", Command: "pnpm add " + first + "@latest"}
	case isGlobal:
		return installation{Method: "npm", Command: "npm install --global " + first + "@latest"}
	}
	return installation{Method: "npm", Command: "npm install " + first + "@latest"}
}

// packageName returns the name of the package at the beginning of a path below node_modules.
func packageName(below string) string {
	parts := strings.Split(below, "/")
	if strings.HasPrefix(parts[0], "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}
