// Package packaging_test holds the ways of running Punctual that ship with it against the real binary: a unit, a
// container or a crontab line must not name a command, flag or setting that does not exist.
package packaging_test

import (
	"bytes"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"punctual/internal/config"
	"punctual/internal/testkit/need"
)

// where the units expect the binary
const installed = "/usr/local/bin/punctual"

// filledIn stands for a secret that the operator is told to make.
const filledIn = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// maxExposure is what systemd-analyze may rate a unit's sandbox at most, in tenths.
const maxExposure = "--threshold=20"

func TestUnitsAreValidAndSandboxed(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		need.Missing(t, "systemd-analyze", err)
	}
	// any executable will do
	dir := unitsFor(t, os.Args[0])
	for _, unit := range []string{
		"punctual-web.service", "punctual-sendalerts.service", "punctual-sendreports.service", "punctual-smtpd.service",
		"punctual-migrate.service", "punctual-prune@pings.service",
		"punctual-backup.service",
	} {
		run(t, dir, analyze, "--no-pager", "security", "--offline=true", maxExposure, unit)
	}
	for _, unit := range append(glob(t, dir+"/*.service"), append(glob(t, dir+"/*.timer"), glob(t, dir+"/*.socket")...)...) {
		out := run(t, dir, analyze, "--no-pager", "--man=no", "verify", unit)
		if len(out) > 0 {
			t.Errorf("systemd-analyze verify %s: %s", filepath.Base(unit), out)
		}
	}
}

// TestSocketsAreTakenByTheirServices starts each service with the socket of its unit as systemd would: a name that its
// command has no use for stops the start before the setting that is wrong on purpose does.
func TestSocketsAreTakenByTheirServices(t *testing.T) {
	binary := binary(t)
	for _, unit := range glob(t, "systemd/*.socket") {
		name := strings.TrimSuffix(filepath.Base(unit), ".socket")
		service := "systemd/" + name + ".service"
		text := read(t, service)
		// It does not start without its socket, keeps it whatever happens, and is enabled with it.
		for _, line := range []string{
			`(?m)^Requires=` + name + `\.socket$`, `(?m)^After=.*\b` + name + `\.socket$`, `(?m)^Also=` + name + `\.socket$`,
			`(?m)^StartLimitIntervalSec=0$`, `(?m)^Type=notify$`,
		} {
			if !regexp.MustCompile(line).MatchString(text) {
				t.Errorf("%s: no line %s", service, line)
			}
		}
		command := find(t, `(?m)^ExecStart=\S+ (.*)$`, service)[0]
		socket := find(t, `(?m)^FileDescriptorName=(.*)$`, unit)[0]
		out := startWithSocket(t, binary, command, socket)
		if !strings.Contains(out, "PUNCTUAL_LOG_LEVEL") || strings.Contains(out, "systemd has passed") {
			t.Errorf("%s: punctual %s with the socket %q: %s", unit, command, socket, out)
		}
	}
}

// startWithSocket starts the command with a socket of that name and with a wrong PUNCTUAL_LOG_LEVEL, and returns what it says.
func startWithSocket(t *testing.T, binary, command, name string) string {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, binary, command)
	cmd.ExtraFiles = []*os.File{file}
	cmd.Env = []string{"LISTEN_FDS=1", "LISTEN_FDNAMES=" + name, "PUNCTUAL_LOG_LEVEL=wrong"}
	// it fails on purpose
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// Commands that ask the server on this machine, and the address of a proxy, go by the setting.
func TestTheSocketIsWhereTheSettingSays(t *testing.T) {
	listen := examplesIn(read(t, "systemd/punctual.env"))["PUNCTUAL_LISTEN"]
	socket := find(t, `(?m)^ListenStream=(.*)$`, "systemd/punctual-web.socket")
	if !slices.Equal(socket, []string{listen}) {
		t.Errorf("punctual.env has %q, punctual-web.socket %q", listen, socket)
	}
}

func TestNamedCommandsExist(t *testing.T) {
	binary := binary(t)
	for source, commands := range map[string][]string{
		"systemd":    find(t, `(?m)^ExecStart=\S+ (.*)$`, glob(t, "systemd/*.service")...),
		"cron":       find(t, `; punctual (\w+)`, "cron/punctual"),
		"Dockerfile": words(find(t, `CMD \["(?:/punctual", ")?(.+)"\]`, "../Dockerfile")),
		"compose":    composeCommands(t),
	} {
		if len(commands) == 0 {
			t.Errorf("%s: names no commands", source)
		}
		for _, command := range commands {
			if command == "prune%i" {
				// the crontab has what it stands for
				continue
			}
			args := append(strings.Fields(command), "--help")
			out, err := exec.Command(binary, args...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: punctual %s: %v\n%s", source, command, err, out)
			}
		}
	}
}

// words takes the lists of JSON in a Dockerfile, without their ends, as lines of words.
func words(lists []string) []string {
	for i := range lists {
		lists[i] = strings.ReplaceAll(lists[i], `", "`, " ")
	}
	return lists
}

func TestSettingsFilesAreValid(t *testing.T) {
	example := examplesIn(read(t, "../.env.example"))
	checkSettings(t, "punctual.env", examplesIn(read(t, "systemd/punctual.env")))
	checkSettings(t, ".env.example", maps.Clone(example))
	for name, service := range compose(t).Services {
		if service.Image == "punctual" {
			env := maps.Clone(example)
			maps.Copy(env, service.Environment)
			checkSettings(t, "docker-compose.yml: "+name, env)
		}
	}
}

// examplesIn are the settings of a file for the environment, those in comments
// included. The second of a name is an alternative and left out.
func examplesIn(text string) map[string]string {
	env := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^#?(PUNCTUAL_\w+)=(.*)$`).FindAllStringSubmatch(text, -1) {
		_, repeated := env[match[1]]
		if !repeated {
			env[match[1]] = strings.Trim(match[2], `"`)
		}
	}
	return env
}

// TestComposePassesEverySetting: what an operator writes into .env must reach each
// process, and nothing in the file may hide it but what ties the services together.
func TestComposePassesEverySetting(t *testing.T) {
	tied := []string{"PUNCTUAL_DATABASE_URL", "PUNCTUAL_LISTEN", "PUNCTUAL_SMTPD_LISTEN"}
	written := map[string]string{}
	for _, variable := range allSettings(t) {
		written[variable] = "written into .env"
	}
	roles := map[string]bool{}
	for name, service := range composeWith(t, written).Services {
		if !strings.Contains(service.Image, ":") && service.Image != "punctual" || strings.HasSuffix(service.Image, ":latest") {
			t.Errorf("%s: the image %s is not pinned to a version", name, service.Image)
		}
		if service.Image != "punctual" {
			continue
		}
		if !slices.Contains(service.EnvFile, ".env") {
			t.Errorf("%s does not read .env", name)
		}
		arrives := maps.Clone(written)
		maps.Copy(arrives, service.Environment)
		for variable, value := range arrives {
			if value != written[variable] && !slices.Contains(tied, variable) {
				t.Errorf("%s: %s cannot be set in .env", name, variable)
			}
		}
		role := service.Command[0]
		roles[role] = true
		test := service.Healthcheck.Test
		if role != "serve" && role != "migrate" && !slices.Equal(test, []string{"CMD", "/punctual", "status", "--role", role}) {
			t.Errorf("%s: its health check is %q", name, test)
		}
	}
	for _, role := range []string{"migrate", "serve", "sendalerts", "sendreports", "smtpd", "prune"} {
		if !roles[role] {
			t.Errorf("no service runs %s", role)
		}
	}
}

// The network of the containers is set in one place.
func TestComposeTrustsItsOwnNetwork(t *testing.T) {
	for name, service := range composeWith(t, map[string]string{"SUBNET": "10.99.0.0/24"}).Services {
		trusted := service.Environment["PUNCTUAL_TRUSTED_PROXIES"]
		if service.Image == "punctual" && trusted != "loopback,10.99.0.0/24" {
			t.Errorf("%s trusts %q", name, trusted)
		}
	}
}

// checkSettings fails the test for unknown names, wrong values and what else the program would warn of. What is to be filled in counts as
// filled in.
func checkSettings(t *testing.T, source string, env map[string]string) {
	t.Helper()
	for _, secret := range []string{"PUNCTUAL_SECRET_KEY", "PUNCTUAL_SMTP_PASSWORD"} {
		if env[secret] == "" {
			env[secret] = filledIn
		}
	}
	if env["PUNCTUAL_SMTP_USERNAME"] == "" {
		env["PUNCTUAL_SMTP_USERNAME"] = "punctual"
	}
	loaded, err := config.Load(env)
	if err != nil {
		t.Errorf("%s: %v", source, err)
		return
	}
	for _, warning := range loaded.Warnings() {
		t.Errorf("%s: %s", source, warning)
	}
}

type composeFile struct {
	Services map[string]struct {
		Image       string
		Command     []string
		Environment map[string]string
		EnvFile     []string `yaml:"env_file"`
		Healthcheck struct{ Test []string }
	}
}

// allSettings are the variables that the program knows.
func allSettings(t *testing.T) (variables []string) {
	t.Helper()
	loaded, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := loaded.Print(&printed); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(printed.String()) {
		variable, _, _ := strings.Cut(line, "=")
		variables = append(variables, variable)
	}
	if len(variables) < 50 {
		t.Fatalf("only %d settings: %q", len(variables), variables)
	}
	return variables
}

// compose reads docker-compose.yml with its variables at their defaults.
func compose(t *testing.T) composeFile {
	t.Helper()
	return composeWith(t, nil)
}

// composeWith reads docker-compose.yml beside a .env with these variables.
func composeWith(t *testing.T, env map[string]string) composeFile {
	t.Helper()
	valueOf := func(variable string) string {
		name, value, _ := strings.Cut(strings.Trim(variable, "${}"), ":")
		given, found := env[name]
		if found {
			return given
		}
		if strings.HasPrefix(value, "?") {
			return filledIn
		}
		return strings.TrimPrefix(value, "-")
	}
	// A default may hold a variable itself: the inner ones are filled in first.
	innermost := regexp.MustCompile(`\$\{[^{}]*\}`)
	text := read(t, "../docker-compose.yml")
	for innermost.MatchString(text) {
		text = innermost.ReplaceAllStringFunc(text, valueOf)
	}
	var file composeFile
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func composeCommands(t *testing.T) (commands []string) {
	for _, service := range compose(t).Services {
		if service.Image != "punctual" {
			continue
		}
		commands = append(commands, strings.Join(service.Command, " "))
		test := service.Healthcheck.Test
		if len(test) > 2 {
			commands = append(commands, strings.Join(test[2:], " "))
		}
	}
	return commands
}

// unitsFor copies the units and makes them run the given binary, since the real place of it is the operator's.
func unitsFor(t *testing.T, binary string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("systemd")); err != nil {
		t.Fatal(err)
	}
	for _, unit := range glob(t, dir+"/*.service") {
		text := strings.ReplaceAll(read(t, unit), installed, binary)
		if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// binary builds Punctual into a directory of the test.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "punctual")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/punctual").CombinedOutput()
	if err != nil {
		t.Fatalf("building punctual: %v\n%s", err, out)
	}
	return path
}

func find(t *testing.T, pattern string, files ...string) (found []string) {
	t.Helper()
	for _, file := range files {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1) {
			found = append(found, match[1])
		}
	}
	return slices.Compact(found)
}

func run(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return bytes.TrimSpace(out)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
