package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"punctual/internal/auth"
	"punctual/internal/config"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/templates"
)

// userCmd is `punctual user …`.
type userCmd struct {
	List           userListCmd           `cmd:"" help:"List accounts, the newest first."`
	Invite         userInviteCmd         `cmd:"" help:"Make an account and mail a link that logs in, also where registration is closed."`
	Deactivate     userDeactivateCmd     `cmd:"" help:"Log somebody out everywhere and keep them out; their checks are watched as before."`
	Activate       userActivateCmd       `cmd:"" help:"Let somebody in again who was deactivated."`
	Delete         userDeleteCmd         `cmd:"" help:"Remove an account with its projects and checks; members are told by mail."`
	SetPassword    userSetPasswordCmd    `cmd:"" name:"set-password" help:"Give an account another password, read from the terminal, stdin or a file."`
	Limits         userLimitsCmd         `cmd:"" help:"Show, or change, how many checks an account may have and how many pings are kept of each."`
	ResetTwoFactor userResetTwoFactorCmd `cmd:"" name:"reset-2fa" help:"Take two-factor sign-in away from an account whose owner has lost all factors."`
}

// account is a command's argument that names an account.
type account struct {
	Email string `arg:"" placeholder:"ADDRESS" help:"E-mail address of the account."`
}

// accounts is what a command on accounts works with.
type accounts struct {
	cfg      *config.Config
	auth     *auth.Service
	projects *project.Service
	st       *store.Store
}

// openAccounts opens the database for a command on accounts, tokens and keys. It
// fails where the secret key is not the database's: what is stored under another
// key opens nothing. People are told by mail of what was done.
func openAccounts(ctx context.Context, w *world, given *settings) (*accounts, func(), error) {
	cfg, _, err := given.open(w)
	if err != nil {
		return nil, nil, err
	}
	st, closeStore, err := openStore(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	err = auth.HoldKey(ctx, st, cfg.SecretKey, cfg.OldSecretKeys, slog.New(slog.DiscardHandler))
	if err != nil {
		closeStore()
		return nil, nil, err
	}
	a, err := newAccounts(cfg, st)
	if err != nil {
		closeStore()
		return nil, nil, err
	}
	return a, closeStore, nil
}

// withUser runs do on the account that the command names.
func (c *account) withUser(ctx context.Context, w *world, given *settings, do func(*accounts, *monitor.User) error) error {
	address, err := auth.Address("email", c.Email)
	if err != nil {
		return usageError(errs.Message(err))
	}
	a, done, err := openAccounts(ctx, w, given)
	if err != nil {
		return err
	}
	defer done()
	user, err := a.auth.UserByAddress(ctx, address, c.Email)
	if errs.KindOf(err) == errs.NotFound {
		return errs.NotFoundf("there is no account of %s", address)
	}
	if err != nil {
		return err
	}
	return do(a, user)
}

// userListCmd is `punctual user list`.
type userListCmd struct {
	Settings settings `embed:""`

	Search string `arg:"" optional:"" placeholder:"TEXT" help:"List only accounts whose address contains this text."`
	JSON   bool   `name:"json" help:"Print a JSON array."`
}

// Run prints all accounts that match.
func (c *userListCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	st, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	users, err := allUsers(ctx, st, c.Search)
	if err != nil {
		return err
	}
	if c.JSON {
		return printUsersJSON(w.stdout, users)
	}
	return printUsers(w.stdout, users)
}

func allUsers(ctx context.Context, st *store.Store, search string) ([]store.UserRow, error) {
	const page = 1000
	var users []store.UserRow
	for {
		rows, err := st.Users(ctx, search, page, len(users))
		if err != nil {
			return nil, fmt.Errorf("list accounts: %w", err)
		}
		users = append(users, rows...)
		if len(rows) < page {
			return users, nil
		}
	}
}

func printUsers(out io.Writer, users []store.UserRow) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ADDRESS\tMADE\tLAST LOG-IN\tPROJECTS\tCHECKS\tNOTES")
	for i := range users {
		u := &users[i]
		last := "never"
		if !u.LastLoginAt.IsZero() {
			last = u.LastLoginAt.UTC().Format(time.DateOnly)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n", u.Email, u.CreatedAt.UTC().Format(time.DateOnly), last, u.Projects, u.Checks, notesOf(u))
	}
	return table.Flush()
}

// notesOf is what is unusual about an account, "-" for nothing.
func notesOf(u *store.UserRow) string {
	notes := ""
	for _, n := range []struct {
		is   bool
		word string
	}{{u.IsSuperuser, "superuser"}, {!u.IsActive, "deactivated"}, {u.ByOperator, "by operator"}, {u.TwoFactor, "two-factor"}} {
		switch {
		case !n.is:
		case notes == "":
			notes = n.word
		default:
			notes += ", " + n.word
		}
	}
	if notes == "" {
		return "-"
	}
	return notes
}

// userJSON is an account as programs read it. Times are UTC; null = never.
type userJSON struct {
	ID         string     `json:"id"`
	Email      string     `json:"email"`
	Active     bool       `json:"active"`
	Superuser  bool       `json:"superuser"`
	ByOperator bool       `json:"by_operator"`
	TwoFactor  bool       `json:"two_factor"`
	Projects   int        `json:"projects"`
	Checks     int        `json:"checks"`
	Created    time.Time  `json:"created"`
	LastLogin  *time.Time `json:"last_login"`
}

func printUsersJSON(out io.Writer, users []store.UserRow) error {
	list := make([]userJSON, 0, len(users))
	for i := range users {
		u := &users[i]
		j := userJSON{
			ID: u.ID.String(), Email: u.Email, Active: u.IsActive, Superuser: u.IsSuperuser, ByOperator: u.ByOperator, TwoFactor: u.TwoFactor,
			Projects: u.Projects, Checks: u.Checks, Created: u.CreatedAt.UTC(),
		}
		if !u.LastLoginAt.IsZero() {
			last := u.LastLoginAt.UTC()
			j.LastLogin = &last
		}
		list = append(list, j)
	}
	return json.NewEncoder(out).Encode(list)
}

// userInviteCmd is `punctual user invite`.
type userInviteCmd struct {
	Settings settings `embed:""`

	Email string `arg:"" placeholder:"ADDRESS" help:"E-mail address; the account is made where there is none."`
	JSON  bool   `name:"json" help:"Print email, created and link as a JSON object."`
}

// Run makes the account. The link is printed where there is no mail server that
// could bring it.
func (c *userInviteCmd) Run(ctx context.Context, w *world) error {
	a, done, err := openAccounts(ctx, w, &c.Settings)
	if err != nil {
		return err
	}
	defer done()
	user, made, link, err := a.auth.InviteUser(ctx, c.Email)
	if errs.KindOf(err) == errs.Invalid {
		return usageError(errs.Message(err))
	}
	if err != nil {
		return err
	}
	mailed := a.cfg.SMTPHost != ""
	if c.JSON {
		return printInvitation(w.stdout, user.Email, made, mailed, link)
	}
	if made {
		fmt.Fprintf(w.stdout, "The account of %s is made.\n", user.Email)
	} else {
		fmt.Fprintf(w.stdout, "%s has an account.\n", user.Email)
	}
	switch {
	case link == "":
		fmt.Fprintln(w.stdout, "They have logged in before and can ask for a link on the site.")
	case mailed:
		fmt.Fprintln(w.stdout, "A link that logs in, once and within 7 days, is on its way.")
	default:
		fmt.Fprintf(w.stdout, "No mail server is set. This link logs in, once and within 7 days:\n%s\n", link)
	}
	return nil
}

func printInvitation(out io.Writer, email string, made, mailed bool, link string) error {
	answer := struct {
		Email   string `json:"email"`
		Created bool   `json:"created"`
		Mailed  bool   `json:"mailed"`
		// null: it was mailed, or there is none
		Link *string `json:"link"`
	}{Email: email, Created: made, Mailed: mailed && link != ""}
	if link != "" && !mailed {
		answer.Link = &link
	}
	return json.NewEncoder(out).Encode(answer)
}

// userDeactivateCmd is `punctual user deactivate`.
type userDeactivateCmd struct {
	Settings settings `embed:""`
	account  `embed:""`
}

// Run keeps the user out.
func (c *userDeactivateCmd) Run(ctx context.Context, w *world) error {
	return c.withUser(ctx, w, &c.Settings, func(a *accounts, user *monitor.User) error {
		if err := a.auth.Deactivate(ctx, user.ID); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s is logged out and cannot log in, and their account tokens are gone. Their checks are watched as before.\n",
			user.Email)
		return nil
	})
}

// userActivateCmd is `punctual user activate`.
type userActivateCmd struct {
	Settings settings `embed:""`
	account  `embed:""`
}

// Run lets the user in again.
func (c *userActivateCmd) Run(ctx context.Context, w *world) error {
	return c.withUser(ctx, w, &c.Settings, func(a *accounts, user *monitor.User) error {
		if err := a.auth.Activate(ctx, user.ID); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s may log in again.\n", user.Email)
		return nil
	})
}

// userResetTwoFactorCmd is `punctual user reset-2fa`: what the page of users does
// for superusers, without a browser.
type userResetTwoFactorCmd struct {
	Settings settings `embed:""`
	account  `embed:""`
}

// Run removes the factors and says how many there were. The owner is told by mail.
func (c *userResetTwoFactorCmd) Run(ctx context.Context, w *world) error {
	return c.withUser(ctx, w, &c.Settings, func(a *accounts, user *monitor.User) error {
		n, err := a.auth.RemoveFactors(ctx, user)
		switch {
		case err != nil:
			return err
		case n == 0:
			fmt.Fprintf(w.stdout, "%s has no second factor.\n", user.Email)
		default:
			fmt.Fprintf(w.stdout, "%s logs in with one step now; factors removed: %d.\n", user.Email, n)
		}
		return nil
	})
}

// post is what a command needs whose work is told to people: the mail waits in
// the database for the running processes to send it.
type post struct {
	composer *mail.Composer
	queue    *mail.Queue
}

func newPost(cfg *config.Config, st *store.Store) (*post, error) {
	sender, err := mail.NewSender(mail.Settings{
		Host: cfg.SMTPHost, Port: cfg.SMTPPort, TLS: cfg.SMTPTLS, Username: cfg.SMTPUsername, Password: cfg.SMTPPassword, From: cfg.EmailFrom,
	})
	if err != nil {
		return nil, err
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: cfg.SiteName, Root: cfg.SiteRoot, SupportEmail: cfg.SupportEmail},
		sender.Domain())
	if err != nil {
		return nil, err
	}
	queue := mail.NewQueue(mail.QueueConfig{Outbox: st, Sender: sender, Now: st.Now, Log: slog.New(slog.DiscardHandler)})
	return &post{composer: composer, queue: queue}, nil
}

// newAccounts makes what the commands on accounts work with. It logs nothing: what
// was done is told on stdout.
func newAccounts(cfg *config.Config, st *store.Store) (*accounts, error) {
	p, err := newPost(cfg, st)
	if err != nil {
		return nil, err
	}
	s := auth.NewService(auth.Config{
		Store: st, SecretKey: cfg.SecretKey, OldSecretKeys: cfg.OldSecretKeys, SiteRoot: cfg.SiteRoot, CheckLimit: cfg.CheckLimit,
		PingLogLimit: cfg.PingLogLimit,
		Log:          slog.New(slog.DiscardHandler),
	})
	s.Mails.TwoFactor = func(ctx context.Context, v mail.TwoFactor) error { return p.enqueue(ctx)(p.composer.TwoFactor(v)) }
	s.Mails.Welcome = func(ctx context.Context, u *monitor.User, link string) error {
		return p.enqueue(ctx)(p.composer.Welcome(mail.Welcome{Owned: mail.Owned{Account: u.ID}, To: u.Email, Link: link}))
	}
	s.Mails.Security = func(ctx context.Context, v mail.Security) error { return p.enqueue(ctx)(p.composer.Security(v)) }
	projects := project.NewService(project.Config{
		Store: st, Auth: s, SiteRoot: cfg.SiteRoot, Log: slog.New(slog.DiscardHandler),
		Mails: project.Mails{
			Removed: func(v mail.Removed) (*mail.Message, error) {
				m, err := p.composer.Removed(v)
				if err == nil {
					p.queue.Prepare(m)
				}
				return m, err
			},
			Stored: p.queue.Stored,
		},
	})
	return &accounts{cfg: cfg, auth: s, projects: projects, st: st}, nil
}

// enqueue takes what a composer has made.
func (p *post) enqueue(ctx context.Context) func(*mail.Message, error) error {
	return func(m *mail.Message, err error) error {
		if err != nil {
			return err
		}
		return p.queue.Enqueue(ctx, m)
	}
}
