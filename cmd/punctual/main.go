// Command punctual is the whole product in one binary: the web site, the
// ping endpoints, the alert worker and the tools of the operator. This file
// holds what all commands share: how they are found, what they see of the
// outside world, and how their errors become exit codes. Each command has a
// file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	// the schedules must not depend on what the host has installed
	_ "time/tzdata"

	"github.com/alecthomas/kong"
)

// The exit codes: all is well, it failed, the command line was wrong.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is the list of all commands, in the order help shows them.
type cli struct {
	Help        helpFlag    `short:"h" help:"Show help for a command."`
	VersionFlag versionFlag `name:"version" help:"Print the version."`

	Up          upCmd          `cmd:"" help:"Run everything in one process; the schema is migrated first."`
	Serve       serveCmd       `cmd:"" help:"Run the web site, the API and the ping endpoints."`
	Sendalerts  sendalertsCmd  `cmd:"" help:"Watch deadlines and send alerts; any number may run."`
	Sendreports sendreportsCmd `cmd:"" help:"Mail reports and reminders of checks that stay down; any number may run."`
	Smtpd       smtpdCmd       `cmd:"" help:"Take pings by e-mail."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database schema up to date, or tell where it stands."`
	Backup      backupCmd      `cmd:"" help:"Write a backup of the database while it runs: to a file, or to a directory with rotation."`
	Restore     restoreCmd     `cmd:"" help:"Make the database from a backup; it must be missing or empty."`

	Prune       pruneCmd       `cmd:"" help:"Run all prunes by their own timetable until stopped, or each of them once."`
	Prunepings  prunepingsCmd  `cmd:"" help:"Keep the newest pings of each check, and remove the history before them."`
	Prunechecks prunechecksCmd `cmd:"" help:"Remove checks that visitors of the welcome page left behind."`
	Pruneemails pruneemailsCmd `cmd:"" help:"Remove records of mail older than 7 days, and expired sessions."`
	Pruneusers  pruneusersCmd  `cmd:"" help:"Warn the owners of accounts that nobody has used for a month, and remove those warned a week ago."`

	Createsuperuser createsuperuserCmd `cmd:"" help:"Make an account that may administer the instance."`
	Project         projectCmd         `cmd:"" help:"Make projects and their keys without a browser."`
	Token           tokenCmd           `cmd:"" help:"Make account tokens without a browser."`
	User            userCmd            `cmd:"" help:"List, invite, deactivate and delete accounts, set passwords, let somebody in who has lost all second factors."`

	Status   statusCmd   `cmd:"" help:"Look whether Punctual itself is well; silent when it is."`
	Takers   takersCmd   `cmd:"" help:"Show the processes that take pings and when pings may have been lost, or forget one that is silent."`
	Alerts   alertsCmd   `cmd:"" help:"Hold all alerts of this instance, release them, or tell whether they are held."`
	Schedule scheduleCmd `cmd:"" help:"Explain a schedule and print its next occurrences."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
	HelpCmd  helpCmd     `cmd:"" name:"help" help:"Show help for a command."`
}

// world is what a command sees of the outside.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            map[string]string
	now            func() time.Time
}

// usageError is a mistake in how a command was called: exit code 2.
type usageError string

func (e usageError) Error() string { return string(e) }

func main() {
	os.Exit(run(os.Args[1:], environment(os.Environ()), os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns one of the exit codes above.
func run(args []string, env map[string]string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	w := &world{stdin: stdin, stdout: stdout, stderr: stderr, env: env, now: time.Now}
	return execute(ctx, args, w)
}

// untilSignal returns a context that the first SIGTERM or SIGINT cancels, so
// that a command can finish what it accepted; the second one kills the process.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// execute is run without the signals, so that a test can end a command.
func execute(ctx context.Context, args []string, w *world) int {
	parser, err := newParser(w)
	if err != nil {
		return report(w.stderr, err)
	}
	if len(args) == 0 {
		parser.Stdout = w.stderr
		_, err := parser.Parse([]string{"--help"})
		if !errors.Is(err, errHelpShown) {
			return report(w.stderr, err)
		}
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return report(w.stderr, asUsage(err))
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(w.stderr, parsed.Run(w))
}

func newParser(w *world) (*kong.Kong, error) {
	return kong.New(&cli{},
		kong.Name("punctual"),
		kong.Description(
			"Punctual watches over cron jobs: a job pings a URL when it has run, and when a ping does not come in time, Punctual tells people."),
		kong.Writers(w.stdout, w.stderr),
		// no command may end the process: run returns the code
		kong.Exit(func(int) {}),
		kong.NoDefaultHelp(),
		kong.ValueFormatter(helpText),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	)
}

// asUsage turns what the command line parser says into a usage error with a
// hint where to look. Help that was asked for is no mistake and stays as it is.
func asUsage(err error) error {
	if errors.Is(err, errHelpShown) {
		return err
	}
	hint := "punctual help"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Command() != "" {
		hint += " " + commandName(parse.Context)
	}
	return usageError(fmt.Sprintf("%v (see %q)", err, hint))
}

// commandName is the chosen command without its arguments: "project create".
func commandName(parsed *kong.Context) string {
	var words []string
	for _, step := range parsed.Path {
		if step.Command != nil {
			words = append(words, step.Command.Name)
		}
	}
	return strings.Join(words, " ")
}

// report writes the reason of a failure to stderr, each line of it marked
// as ours, and returns the exit code it stands for.
func report(stderr io.Writer, err error) int {
	if err == nil || errors.Is(err, errHelpShown) {
		return exitDone
	}
	for line := range strings.Lines(strings.TrimSpace(err.Error())) {
		fmt.Fprintf(stderr, "punctual: %s\n", strings.TrimRight(line, "\n"))
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// environment turns NAME=value lines into a map; of doubles the last counts.
func environment(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, line := range lines {
		name, value, found := strings.Cut(line, "=")
		if found {
			env[name] = value
		}
	}
	return env
}
