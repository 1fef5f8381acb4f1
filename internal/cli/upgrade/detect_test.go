package upgrade

import (
	"slices"
	"testing"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	const fromGo = "go install github.com/uselamina/lamina/cmd/lamina@latest"
	tests := []struct {
		name, path string
		files      []string
		isModule   bool
		isSource   bool
		method     string
		command    string
		url        string
	}{
		{name: "cask", path: "/opt/homebrew/Caskroom/lamina/1.2.3/lamina", method: "brew", command: "brew upgrade --cask lamina"},
		{name: "formula", path: "/home/linuxbrew/.linuxbrew/Cellar/lamina/1.2.3/bin/lamina", method: "brew", command: "brew upgrade lamina"},
		{name: "scoop", path: `C:\Users\sam\scoop\apps\lamina\current\lamina.exe`, method: "scoop", command: "scoop update lamina"},
		{name: "scoop, for all users", path: `C:\ProgramData\scoop\apps\lamina\1.2.3\lamina.exe`, method: "scoop", command: "scoop update lamina"},
		{
			name: "winget", path: `C:\Users\sam\AppData\Local\Microsoft\WinGet\Packages\uselamina.lamina_Source\lamina.exe`,
			method: "winget", command: "winget upgrade lamina",
		},
		{
			name: "deb", path: "/usr/bin/lamina", files: []string{"/var/lib/dpkg/info/lamina.list"},
			method: "dpkg", command: "sudo dpkg -i ./lamina_*.deb", url: releases,
		},
		{
			name: "rpm", path: "/usr/bin/lamina", files: []string{"/usr/lib/sysimage/rpm"},
			method: "rpm", command: "sudo rpm -U ./lamina_*.rpm", url: releases,
		},
		{
			name: "a copy beside the deb", path: "/usr/local/bin/lamina", files: []string{"/var/lib/dpkg/info/lamina.list"},
			method: "file", url: releases,
		},
		{
			name: "npm", path: "/usr/local/lib/node_modules/@uselamina/cli/node_modules/@uselamina/cli-linux-x64/bin/lamina",
			method: "npm", command: "npm install --global @uselamina/cli@latest",
		},
		{
			name: "npm, flat", path: "/home/sam/.nvm/versions/node/v22.1.0/lib/node_modules/@uselamina/cli-linux-arm64/bin/lamina",
			method: "npm", command: "npm install --global @uselamina/cli@latest",
		},
		{
			name: "npm on Windows", path: `C:\Users\sam\AppData\Roaming\npm\node_modules\lamina\bin\lamina.exe`,
			method: "npm", command: "npm install --global lamina@latest",
		},
		{
			name: "npm of a project", path: "/home/sam/site/node_modules/@uselamina/cli-linux-x64/bin/lamina",
			method: "npm", command: "npm install @uselamina/cli@latest",
		},
		{
			name: "npx", path: "/home/sam/.npm/_npx/4b1f/node_modules/@uselamina/cli-linux-x64/bin/lamina",
			method: "npm", command: "npx @uselamina/cli@latest",
		},
		{
			name:   "pnpm",
			path:   "/home/sam/.local/share/pnpm/global/5/node_modules/.pnpm/@uselamina+cli-linux-x64@1.2.3/node_modules/@uselamina/cli-linux-x64/bin/lamina",
			method: "pnpm", command: "pnpm add --global @uselamina/cli@latest",
		},
		{name: "go install", path: "/home/sam/go/bin/lamina", isModule: true, isSource: true, method: "go", command: fromGo},
		{name: "go build", path: "/home/sam/lamina/lamina", isSource: true, method: "source", command: fromGo},
		{name: "archive", path: "/home/sam/bin/lamina", method: "file", url: releases},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := detect(facts{
				path: tt.path, isModule: tt.isModule, isRelease: !tt.isSource,
				exists: func(path string) bool { return slices.Contains(tt.files, path) },
			})
			if want := (installation{tt.method, tt.command, tt.url}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
