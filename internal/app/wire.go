package app

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"

	"punctual/internal/alert"
	"punctual/internal/auth"
	"punctual/internal/channel"
	"punctual/internal/checkjson"
	"punctual/internal/config"
	"punctual/internal/demo"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notice"
	"punctual/internal/notify"
	"punctual/internal/notify/kinds"
	"punctual/internal/ping"
	"punctual/internal/project"
	"punctual/internal/report"
	"punctual/internal/road"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/static"
	"punctual/templates"
	"punctual/web"
	"punctual/web/api"
	"punctual/web/badge"
	"punctual/web/projectmetrics"
	webstatus "punctual/web/status"
	"punctual/web/ui"
)

// parts are the services of an App. Those a role does not run are there
// nevertheless: they do nothing until somebody calls them.
type parts struct {
	mail     *mail.Queue
	composer *mail.Composer
	signer   *auth.Signer
	auth     *auth.Service
	projects *project.Service
	registry *notify.Registry
	// role serves only
	channels *channel.Service
	alerts   *alert.Service
	reports  *report.Worker
	notices  *notice.Worker
	bodies   *ping.Bodies
	// role serves only
	site http.Handler
	// ends the answers of it that do not end by themselves
	endSite func()
	// prints the address that opens the local mailbox; role serves only
	showMailbox func(context.Context)
}

// wire makes the services, those below first.
func (a *App) wire() error {
	p := &a.parts
	var err error
	p.composer, err = mail.NewComposer(templates.FS, mail.Site{Name: a.cfg.SiteName, Root: a.cfg.SiteRoot, SupportEmail: a.cfg.SupportEmail},
		a.sender.Domain())
	if err != nil {
		return err
	}
	returnPaths := mail.NewReturnPaths(a.cfg.SecretKey, a.cfg.BounceDomain, a.cfg.OldSecretKeys...)
	p.mail = mail.NewQueue(mail.QueueConfig{Outbox: a.store, Sender: a.sender, ReturnPaths: returnPaths, OnKept: a.mailKept,
		OnDone: a.metrics.Mail, Now: a.store.Now, Log: logs.In(a.log, logs.Mail)})
	p.signer = auth.NewSigner(a.cfg.SecretKey, a.cfg.OldSecretKeys...)
	p.auth = auth.NewService(auth.Config{
		Store: a.store, SecretKey: a.cfg.SecretKey, OldSecretKeys: a.cfg.OldSecretKeys, SiteRoot: a.cfg.SiteRoot, SiteName: a.cfg.SiteName,
		RPID: a.cfg.RPID, RegistrationOpen: a.cfg.RegistrationOpen,
		CheckLimit: a.cfg.CheckLimit, PingLogLimit: a.cfg.PingLogLimit, SendLogin: a.sendLogin, Mails: a.mailsToPeople(),
		Observe: a.observeLogins(), Log: logs.In(a.log, logs.Auth),
	})
	p.projects = a.newProjects()
	apiDeps := api.Deps{
		Store: a.store, HashKey: p.auth.StoredKey, SiteURL: a.cfg.SiteRoot, PingEndpoint: a.cfg.PingEndpoint, BadgeURL: a.badgeLinks().Tag,
		MetricsKey: a.cfg.MetricsKey, ReturnPaths: returnPaths, ChannelBroken: a.channelBroken, Log: logs.In(a.log, logs.HTTP),
	}
	p.registry, err = a.notifiers()
	if err != nil {
		return err
	}
	p.alerts = alert.New(alert.Config{Store: a.store, Registry: p.registry, Log: logs.In(a.log, logs.Alerts), Observe: a.observeAlerts(),
		Road: a.wireRoad(), NotifyOwner: a.notifyOwner, NotifyOperators: a.incidents.Notify})
	p.notices = notice.NewWorker(notice.Config{
		Store: a.store, Composer: p.composer, SiteRoot: a.cfg.SiteRoot, Verdict: p.signer.VerdictPath, Log: logs.In(a.log, logs.Alerts),
	})
	p.reports = report.NewWorker(report.Config{
		Store: a.store, Composer: p.composer, Queue: p.mail, SiteRoot: a.cfg.SiteRoot, Unsubscribe: p.signer.UnsubscribeReportsPath,
		Log: logs.In(a.log, logs.Mail),
	})
	p.bodies = ping.NewBodies(a.store, a.cfg.PingBodyTotal, logs.In(a.log, logs.Ping))
	if !a.role.serves() {
		return nil
	}
	apiDeps.Auth = p.auth
	apiDeps.Projects = p.projects
	apiDeps.Notifiers = p.registry
	apiDeps.SendTest = tester{a}.SendTest
	p.channels = &channel.Service{
		Store: a.store, Signer: p.signer, SiteRoot: a.cfg.SiteRoot, Verify: a.cfg.EmailUseVerification, Send: a.sendVerify,
		Log: logs.In(a.log, logs.HTTP),
	}
	apiDeps.Channels = p.channels
	p.site, err = a.newSite(api.New(apiDeps), apiDeps.Document(), a.sender.Enabled())
	return err
}

// wireRoad makes what asks our own public ping address. The jobs of a demo do not come by
// that.
func (a *App) wireRoad() alert.Road {
	if !a.role.alerts() || a.opts.Demo {
		return alert.Road{}
	}
	a.road = road.New(road.Config{
		Store: a.store, Endpoint: a.cfg.PingEndpoint, Version: a.opts.Version, PeerURL: a.cfg.PeerURL, PeerSecret: a.cfg.PeerSecret,
		Log:   logs.In(a.log, logs.Alerts),
		Asked: func(by store.RoadSource, o road.Outcome) { a.metrics.PublicProbe(string(by), string(o)) }, NotifyOperators: a.incidents.Notify,
	})
	return alert.Road{Known: a.road.Known, Ask: a.road.Ask}
}

func newSender(cfg *config.Config) (*mail.Sender, error) {
	return mail.NewSender(mail.Settings{
		Host: cfg.SMTPHost, Port: cfg.SMTPPort, TLS: cfg.SMTPTLS,
		Username: cfg.SMTPUsername, Password: cfg.SMTPPassword, From: cfg.EmailFrom,
	})
}

// notifiers are the kinds of channel this instance offers, in the order people see
// them, each with its help text and icon.
func (a *App) notifiers() (*notify.Registry, error) {
	outside := notify.ClientConfig{
		Version: a.opts.Version, AllowPrivate: a.cfg.AllowPrivateIPs, Proxy: a.cfg.OutgoingProxy(), NoProxy: a.cfg.NoProxy, Now: a.store.Now,
	}
	if a.opts.Demo {
		outside.Instead = demo.Sink{}
	}
	return notify.NewRegistry(notify.Env{
		Client: notify.NewClient(outside), Now: a.store.Now, SiteRoot: a.cfg.SiteRoot, SiteName: a.cfg.SiteName, Setting: a.cfg.Lookup,
		Take: func(ctx context.Context, bucket, whom string, count int, per time.Duration) (bool, time.Duration, error) {
			return a.store.TakeToken(ctx, a.parts.auth.Bucket(bucket, whom), count, per)
		},
		Mail: a.parts.mail, Composer: a.parts.composer, Unsubscribe: a.parts.signer.UnsubscribePath,
		CheckJSON: a.checkJSON,
	}, kinds.All()...)
}

// checkJSON is what a webhook sends as $JSON: the check as a read-write key sees it
// through version 3.
func (a *App) checkJSON(c monitor.Check) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	channels, err := a.store.ChannelsOfCheck(ctx, c.ID)
	if err != nil {
		a.log.Warn("channels of a check for a webhook", "error", err)
	}
	ids := make([]uuid.UUID, 0, len(channels))
	for _, ch := range channels {
		ids = append(ids, ch.ID)
	}
	addresses := checkjson.Addresses{Site: a.cfg.SiteRoot, Ping: a.cfg.PingEndpoint}
	return addresses.For(checkjson.V3, false, a.store.Reading()).Append(nil, &c, checkjson.Sorted(ids))
}

// newSite makes the web site.
func (a *App) newSite(api http.Handler, apiDocument []byte, hasSMTP bool) (http.Handler, error) {
	root, err := url.Parse(a.cfg.SiteRoot)
	if err != nil {
		return nil, fmt.Errorf("PUNCTUAL_SITE_ROOT: %w", err)
	}
	pages := fs.FS(templates.FS)
	files := fs.FS(static.FS)
	if a.opts.Dev {
		pages = os.DirFS("templates")
		files = os.DirFS("static")
	}
	if err := completeKinds(pages); err != nil {
		return nil, err
	}
	site, err := web.New(web.Deps{
		Site: ui.Instance{
			Name: a.cfg.SiteName, Root: root, PingEndpoint: a.cfg.PingEndpoint, PingEmailDomain: a.cfg.EmailPingDomain(),
			PingBodyLimit: a.cfg.PingBodyLimit, PingBodyTotal: a.cfg.PingBodyTotal,
			Version: a.opts.Version, SupportEmail: a.cfg.SupportEmail, RegistrationOpen: a.cfg.RegistrationOpen,
			HasSMTP: hasSMTP, VerifyEmail: a.cfg.EmailUseVerification, CheckLimit: a.cfg.CheckLimit, PingLogLimit: a.cfg.PingLogLimit,
		},
		Store:    a.store,
		Auth:     a.parts.auth,
		Projects: a.parts.projects,
		Sessions: auth.NewSessionStore(a.store,
			auth.SessionConfig{Path: root.Path, Secure: a.cfg.Secure(), MaxAge: a.cfg.SessionMaxAge(), Signer: a.parts.signer}),
		Signer:      a.parts.signer,
		BodiesFull:  a.parts.bodies.Full,
		Notifiers:   a.parts.registry,
		Tester:      tester{a},
		Channels:    a.parts.channels,
		Templates:   pages,
		Static:      files,
		API:         api,
		APIDocument: apiDocument,
		Badges: badge.New(badge.Deps{Store: a.store, Links: a.badgeLinks(), Label: a.cfg.MasterBadgeLabel,
			Log: logs.In(a.log, logs.HTTP)}),
		BadgeLinks:     a.badgeLinks(),
		ProjectMetrics: a.projectMetrics(),
		Status:         a.statusPages(),
		HSTS:           a.cfg.HSTS(),
		Dev:            a.opts.Dev,
		Proxies:        a.proxies,
		Observe:        a.observeWeb(),
		Log:            logs.In(a.log, logs.HTTP),
	})
	if err != nil {
		return nil, err
	}
	a.parts.endSite = site.EndStreams
	a.parts.showMailbox = site.ShowMailbox
	return compressed(site)
}

// completeKinds fails when the icon or the help text of an integration is missing.
func completeKinds(pages fs.FS) error {
	for _, k := range kinds.All() {
		_, err := fs.Stat(static.FS, "img/integrations/"+k.Name+".svg")
		if err != nil {
			return fmt.Errorf("the icon of an integration: %w", err)
		}
		if _, err := fs.Stat(pages, "integrations/"+k.Name+".md"); err != nil {
			return fmt.Errorf("the help text of an integration: %w", err)
		}
	}
	return nil
}

func (a *App) badgeLinks() badge.Links {
	return badge.Links{SecretKey: a.cfg.SecretKey, Former: a.cfg.OldSecretKeys, SiteURL: a.cfg.SiteRoot}
}

// projectMetrics is what Prometheus scrapes, nil where it may not.
func (a *App) projectMetrics() http.Handler {
	if !a.cfg.PrometheusEnabled {
		return nil
	}
	return projectmetrics.New(projectmetrics.Deps{Store: a.store, HashKey: a.parts.auth.StoredKey})
}

// statusPages are what tells how Punctual itself is.
func (a *App) statusPages() *webstatus.Deps {
	return &webstatus.Deps{
		Checks: func() *status.Runner { return a.status }, SiteName: a.cfg.SiteName, URL: a.cfg.SiteURL("/status/"), Version: a.opts.Version,
		VersionHeader: a.cfg.StatusVersionHeader, ErrorCode: a.cfg.StatusErrorCode, TokenName: a.cfg.StatusTokenName, Tokens: a.cfg.StatusTokens,
		Networks: a.cfg.StatusFrom(), Redact: a.cfg.Redactor(), Log: logs.In(a.log, logs.HTTP),
	}
}

// compressed sends pages and API answers gzipped to those who accept it, with
// a random length added so that secrets cannot be guessed from sizes (BREACH).
func compressed(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1000), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	return wrap(h), nil
}

// mailKept tells the operator of an instance without an SMTP server where the
// link of a mail leads: it is the only way to log in there.
func (a *App) mailKept(e monitor.Email, link string) {
	log := logs.In(a.log, logs.Mail)
	if slices.Contains([]string{mail.KindLogin, mail.KindVerify, mail.KindInvite, mail.KindWelcome, mail.KindEmailChange}, e.Kind) {
		log.Info("no SMTP server is set, open this link yourself", "kind", e.Kind, "message_id", e.MessageID, "to", e.To, "link", link)
		return
	}
	log.Info("mail kept, no SMTP server is set", "kind", e.Kind, "message_id", e.MessageID, "to", e.To, "subject", e.Subject)
}

func (a *App) sendLogin(ctx context.Context, u *monitor.User, link string) error {
	m, err := a.parts.composer.Login(u.Email, link)
	if err != nil {
		return err
	}
	m.Account = u.ID
	return a.parts.mail.Enqueue(ctx, m)
}

// mailsToPeople are the mails about the ways into accounts.
func (a *App) mailsToPeople() auth.Mails {
	return auth.Mails{
		EmailChange: mailer(a, a.parts.composer.EmailChange),
		TwoFactor:   mailer(a, a.parts.composer.TwoFactor),
		Welcome: func(ctx context.Context, u *monitor.User, link string) error {
			return mailer(a, a.parts.composer.Welcome)(ctx, mail.Welcome{Owned: mail.Owned{Account: u.ID}, To: u.Email, Link: link})
		},
		Security: mailer(a, a.parts.composer.Security),
	}
}

// newProjects makes what works on projects.
func (a *App) newProjects() *project.Service {
	return project.NewService(project.Config{
		Store: a.store, Auth: a.parts.auth, SiteRoot: a.cfg.SiteRoot, Log: logs.In(a.log, logs.Auth),
		Mails: project.Mails{
			Invite:   mailer(a, a.parts.composer.Invite),
			Transfer: mailer(a, a.parts.composer.Transfer),
			Removed: func(v mail.Removed) (*mail.Message, error) {
				m, err := a.parts.composer.Removed(v)
				if err == nil {
					a.parts.mail.Prepare(m)
				}
				return m, err
			},
			Stored: a.parts.mail.Stored,
		},
	})
}

// mailer sends what compose makes.
func mailer[T any](a *App, compose func(T) (*mail.Message, error)) func(context.Context, T) error {
	return func(ctx context.Context, v T) error {
		m, err := compose(v)
		if err != nil {
			return err
		}
		return a.parts.mail.Enqueue(ctx, m)
	}
}

func (a *App) sendVerify(ctx context.Context, v mail.Verify) error {
	m, err := a.parts.composer.Verify(v)
	if err != nil {
		return err
	}
	return a.parts.mail.Enqueue(ctx, m)
}

// notifyOwner mails the owner of a project that a channel does not work. The same
// notice makes one mail, whoever passes it on and however often.
func (a *App) notifyOwner(ctx context.Context, n alert.Notice) error {
	channel := n.Channel.Name
	kind := a.parts.registry.Kind(n.Channel.Kind)
	if kind != nil && channel == "" {
		channel = kind.Label + " to " + kind.Summary(n.Channel.Config)
	}
	m, err := a.parts.composer.Trouble(mail.Trouble{
		Owned: mail.Owned{Account: n.Owner.ID}, To: n.Owner.Email, Key: n.Key, Disabled: n.Kind == alert.ChannelDisabled, Project: n.Project.Name,
		Channel: channel,
		Reason:  n.Error, Check: n.Check.Title(), Status: n.Status,
		Link: a.cfg.SiteURL("/projects/" + n.Project.ID.String() + "/integrations/"),
	})
	if err != nil {
		return err
	}
	// one mail for each key
	return a.parts.mail.Enqueue(ctx, m)
}

// channelBroken mails the owner of a channel that was disabled because alerts,
// once accepted, did not arrive. Where the only way to tell the owner is the
// address that does not work, it stays with the note on the channel.
func (a *App) channelBroken(ctx context.Context, u store.Undelivered) error {
	if strings.EqualFold(a.store.AddressOf(&u.Channel), u.Owner.Email) {
		return nil
	}
	check := monitor.Check{Name: u.Check}
	if u.Status == "" {
		check.Name = "TEST"
		u.Status = monitor.StatusDown
	}
	return a.notifyOwner(ctx, alert.Notice{
		Kind: alert.ChannelDisabled, Key: fmt.Sprintf("%s-%s-%s", alert.ChannelDisabled, u.Channel.ID, a.store.Now().Format(time.DateOnly)),
		Channel: u.Channel, Project: u.Project, Owner: u.Owner, Check: check, Status: u.Status, Error: u.Channel.LastError, At: a.store.Now(),
	})
}

// tester sends test notifications for the site, as many as are allowed.
type tester struct{ *App }

func (t tester) SendTest(ctx context.Context, ch *monitor.Channel) (notify.Result, error) {
	if err := t.parts.auth.MayTest(ctx, ch); err != nil {
		return notify.Result{}, err
	}
	return alert.SendTest(ctx, t.store, t.parts.registry, *ch)
}
