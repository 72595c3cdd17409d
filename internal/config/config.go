// Package config has the settings of Punctual: one struct for all commands,
// filled from defaults, the environment (PUNCTUAL_*), secret files
// (PUNCTUAL_*_FILE) and flags, in rising order of strength. It is read where
// the program is wired together and the values are passed on; no other
// package looks at the environment.
package config

// Config is every setting. The tags are the single source of truth: `name`
// is the flag and, in capitals with PUNCTUAL_ before it, the variable; `help`,
// `default`, `enum`, `group` and `placeholder` are read by kong as well;
// `min` and `max` bound numbers; `secret` marks what is never shown
// ("true": not at all, "url": all but the password in it). docs/settings.md
// lists them for users, and a test holds the two together.
//
// Get one from Load or LoadWith: they also fill in the defaults that depend
// on other settings and refuse wrong values.
type Config struct {
	DatabaseURL string `name:"database-url" group:"Database" default:"sqlite:./data/punctual.db" secret:"url" placeholder:"URL" help:"Where the data is: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME."`
	DBMaxConns  int    `name:"db-max-conns" group:"Database" default:"10" min:"1" max:"1000" placeholder:"N" help:"Connections to the database that one process opens at most."`

	BackupDir   string `name:"backup-dir" group:"Database" placeholder:"PATH" help:"Directory for backups. When it is set, up makes one there every backup-every, and backup without a file makes one there."`
	BackupEvery string `name:"backup-every" group:"Database" default:"24h" placeholder:"TIME" help:"Pause between the backups that up makes, as in 24h, 90m or 7d."`
	BackupKeep  int    `name:"backup-keep" group:"Database" default:"7" min:"0" max:"100000" placeholder:"N" help:"Backups kept in backup-dir; 0 keeps all."`
	PGBin       string `name:"pg-bin" group:"Database" placeholder:"PATH" help:"Directory of pg_dump and pg_restore, for backups of PostgreSQL. Not set: they are looked for, those of the server's version first."`

	Listen           string   `name:"listen" group:"Web" default:":8000" placeholder:"HOST:PORT" help:"Address of the site, the API and the pings."`
	PingListen       string   `name:"ping-listen" group:"Web" placeholder:"HOST:PORT" help:"A second address whose root answers pings."`
	SiteRoot         string   `name:"site-root" group:"Web" default:"http://localhost:8000" placeholder:"URL" help:"Address of the site as its visitors see it; may hold a path. Follows the port of listen when not set."`
	SiteName         string   `name:"site-name" group:"Web" default:"Punctual" placeholder:"TEXT" help:"Name of the site, shown in pages and mails."`
	OldSecretKeys    []string `name:"old-secret-keys" group:"Web" secret:"true" placeholder:"TEXT" help:"Keys that secret-key was before, the newest first: what was made with them still works. See docs/secret-key.md."`
	SecretKey        string   `name:"secret-key" group:"Web" secret:"true" placeholder:"TEXT" help:"Key that signs links and hashes API keys. Made and kept beside an SQLite database when not set; required with Postgres."`
	RPID             string   `name:"rp-id" group:"Web" placeholder:"DOMAIN" help:"Name that security keys are bound to: the host of SITE_ROOT, or a domain above it, so that they outlive a move of the site below that domain. Keys made under another name stop working."`
	RegistrationOpen bool     `name:"registration-open" group:"Web" default:"true" negatable:"" help:"Let anybody sign up."`
	SupportEmail     string   `name:"support-email" group:"Web" placeholder:"ADDRESS" help:"Address for questions, shown in pages and mails."`
	MasterBadgeLabel string   `name:"master-badge-label" group:"Web" placeholder:"TEXT" help:"Label of the badge over all checks of a project; the site name when not set."`
	TrustedProxies   []string `name:"trusted-proxies" group:"Web" default:"loopback" placeholder:"CIDR" help:"Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: networks, addresses, loopback, private; or none."`
	SessionDays      int      `name:"session-days" group:"Web" default:"90" min:"1" max:"3650" placeholder:"DAYS" help:"Days after which a log-in ends, however much it is used. Unused, it ends after 14 days."`
	HSTSMaxAge       int      `name:"hsts-max-age" group:"Web" default:"15552000" min:"0" max:"63072000" placeholder:"SECONDS" help:"With https in site-root: for how long browsers that came by https come by nothing else (HTTP Strict Transport Security); 0 is off. Not sent while ping-endpoint is plain http on the same host."`
	CheckLimit       int      `name:"check-limit" group:"Web" default:"10000" min:"1" max:"10000000" placeholder:"N" help:"Checks that an account may have: the number that new accounts get. punctual user limits changes it for one account."`
	ProjectLimit     int      `name:"project-limit" group:"Web" default:"1000" min:"0" max:"10000000" placeholder:"N" help:"Projects that one account may have. 0 is any number."`
	ChannelLimit     int      `name:"channel-limit" group:"Web" default:"1000" min:"0" max:"10000000" placeholder:"N" help:"Integrations that all projects of one account may have together. 0 is any number."`
	MemberLimit      int      `name:"member-limit" group:"Web" default:"1000" min:"0" max:"10000000" placeholder:"N" help:"Members that all projects of one account may have together. 0 is any number."`

	PingEndpoint    string `name:"ping-endpoint" group:"Pings" placeholder:"URL" help:"What ping URLs begin with, {SITE_ROOT}/ping/ when not set; may be another host whose root answers pings."`
	PingEmailDomain string `name:"ping-email-domain" group:"Pings" default:"localhost" placeholder:"DOMAIN" help:"Domain of the addresses that take pings by e-mail; pages show these addresses once it or smtpd-listen is set."`
	PingBodyLimit   int    `name:"ping-body-limit" group:"Pings" default:"100000" min:"0" max:"1073741824" placeholder:"BYTES" help:"How much of a ping's body is kept; 0 is all of it."`
	PingEmailLimit  int    `name:"ping-email-limit" group:"Pings" default:"1048576" min:"0" max:"1073741824" placeholder:"BYTES" help:"How much of a mail that is a ping is kept; 0 is all of it."`
	PingBodyTotal   int64  `name:"ping-body-total" group:"Pings" default:"10000000000" min:"0" max:"1000000000000000" placeholder:"BYTES" help:"How many bytes the bodies of all pings of one account may have together; beyond them a ping counts, but is kept without its body. 0 is any number."`
	PingCheckRate   int    `name:"ping-check-rate" group:"Pings" default:"120" min:"0" max:"1000000" placeholder:"N" help:"Pings of one check that are taken in a minute by each process, log, start and success or fail counted apart; more get 429. 0 is any number."`
	PingProjectRate int    `name:"ping-project-rate" group:"Pings" default:"1200" min:"0" max:"10000000" placeholder:"N" help:"The same of all checks of a project; 20 for each of its checks where that is more. 0 is any number."`
	SpoolDir        string `name:"spool-dir" group:"Pings" placeholder:"PATH" help:"Directory where pings are kept while the database takes none, on a disk of this machine; off is none. Not set: spool beside an SQLite database, or in the state directory of a systemd unit, else none."`
	SpoolBytes      int64  `name:"spool-bytes" group:"Pings" default:"536870912" min:"1048576" max:"1000000000000" placeholder:"BYTES" help:"How much each process keeps there; when it is full, pings get 503."`
	BlindLimit      string `name:"blind-limit" group:"Pings" default:"15m" placeholder:"TIME" help:"How long deadlines wait for a process that is silent and may keep pings, and for pings by mail that nobody takes any more, as in 15m or 2h."`
	PingLogLimit    int    `name:"ping-log-limit" group:"Pings" default:"100" min:"1" max:"1000000" placeholder:"N" help:"Pings kept of each check: the number that new accounts get. punctual user limits changes it for one account."`

	SMTPDListen         string `name:"smtpd-listen" group:"Pings by e-mail" placeholder:"HOST:PORT" help:"Address that takes pings by e-mail. Not set: smtpd listens on :25, up on none."`
	SMTPDTLSCert        string `name:"smtpd-tls-cert" group:"Pings by e-mail" placeholder:"PATH" help:"File with the certificate for STARTTLS, PEM with its chain; read again when it changes."`
	SMTPDTLSKey         string `name:"smtpd-tls-key" group:"Pings by e-mail" placeholder:"PATH" help:"File with the key of the certificate, PEM."`
	SMTPDMaxMessage     int    `name:"smtpd-max-message" group:"Pings by e-mail" default:"33554432" min:"10000" max:"1073741824" placeholder:"BYTES" help:"Larger mails are refused."`
	SMTPDMaxConnections int    `name:"smtpd-max-connections" group:"Pings by e-mail" default:"100" min:"1" max:"10000" placeholder:"N" help:"Connections at the same time; more are told to come back."`
	SMTPDMaxPerAddress  int    `name:"smtpd-max-per-address" group:"Pings by e-mail" default:"20" min:"1" max:"10000" placeholder:"N" help:"Connections at the same time from one address, but from this machine; more are asked to come back."`
	SMTPDMaxRecipients  int    `name:"smtpd-max-recipients" group:"Pings by e-mail" default:"100" min:"1" max:"1000" placeholder:"N" help:"Checks that one mail may ping."`

	EmailFrom            string   `name:"email-from" group:"Mail" placeholder:"ADDRESS" help:"Sender of all mail, {SITE_NAME} <punctual@HOST> when not set."`
	SMTPHost             string   `name:"smtp-host" group:"Mail" placeholder:"HOST" help:"Server that takes our mail. Not set: mail is kept, not sent."`
	SMTPPort             int      `name:"smtp-port" group:"Mail" min:"1" max:"65535" placeholder:"PORT" help:"Its port; 587 for starttls, 465 for tls, 25 for none when not set."`
	SMTPUsername         string   `name:"smtp-username" group:"Mail" placeholder:"TEXT" help:"User name for it."`
	SMTPPassword         string   `name:"smtp-password" group:"Mail" secret:"true" placeholder:"TEXT" help:"Password for it."`
	SMTPTLS              string   `name:"smtp-tls" group:"Mail" default:"starttls" enum:"starttls,tls,none" placeholder:"MODE" help:"Encryption: starttls, tls or none."`
	EmailUseVerification bool     `name:"email-use-verification" group:"Mail" default:"true" negatable:"" help:"Ask the owner of a foreign address before mailing alerts to it."`
	BounceDomain         string   `name:"bounce-domain" group:"Mail" placeholder:"DOMAIN" help:"Domain of the addresses alerts come back to when they cannot be delivered; its mail must be passed on to /api/v3/bounces/. Not set: they come back to EMAIL_FROM."`
	Admins               []string `name:"admins" group:"Mail" placeholder:"ADDRESS" help:"Addresses told of unhandled errors, and when no alerts are being sent."`

	PrometheusEnabled           bool     `name:"prometheus-enabled" group:"Integrations" default:"true" negatable:"" help:"Let Prometheus scrape the checks of a project."`
	WebhooksEnabled             bool     `name:"webhooks-enabled" group:"Integrations" default:"true" negatable:"" help:"Offer webhooks."`
	PushoverAPIToken            string   `name:"pushover-api-token" group:"Integrations" secret:"true" placeholder:"TOKEN" help:"Application token of Pushover. Not set: Pushover is not offered."`
	PushoverSubscriptionURL     string   `name:"pushover-subscription-url" group:"Integrations" placeholder:"URL" help:"Subscription page of the Pushover application."`
	PushoverEmergencyRetryDelay int      `name:"pushover-emergency-retry-delay" group:"Integrations" default:"300" min:"30" max:"86400" placeholder:"SECONDS" help:"Pause between repeats of an emergency message."`
	PushoverEmergencyExpiration int      `name:"pushover-emergency-expiration" group:"Integrations" default:"86400" min:"30" max:"86400" placeholder:"SECONDS" help:"When an emergency message stops being repeated."`
	AllowPrivateIPs             bool     `name:"allow-private-ips" group:"Integrations" default:"false" negatable:"" help:"Let notifications go to private and loopback addresses."`
	HTTPProxy                   string   `name:"http-proxy" group:"Integrations" secret:"url" placeholder:"URL" help:"Proxy for webhooks, Pushover, the admins' webhook and the heartbeat: http://USER:PASSWORD@HOST:PORT or https://. Not set: none, whatever HTTP_PROXY says."`
	NoProxy                     []string `name:"no-proxy" group:"Integrations" placeholder:"HOST" help:"What is called without the proxy: hosts, domains with a dot before them, addresses and networks; * is all. Loopback addresses always are."`

	StatusTokens        []string `name:"status-tokens" group:"Health" secret:"true" placeholder:"TOKEN" help:"Tokens that open the details of /status/, and /metrics; several are valid at once."`
	StatusTokenName     string   `name:"status-token-name" group:"Health" default:"watchman-token" placeholder:"TEXT" help:"Query parameter of /status/ that may hold a token."`
	StatusNetworks      []string `name:"status-networks" group:"Health" placeholder:"CIDR" help:"Networks whose requests see the details of /status/ without a token: networks, addresses, loopback, private."`
	StatusErrorCode     int      `name:"status-error-code" group:"Health" default:"500" min:"200" max:"599" placeholder:"CODE" help:"HTTP status of /status/ when something is wrong."`
	StatusVersionHeader bool     `name:"status-version-header" group:"Health" default:"false" negatable:"" help:"Tell everybody the version in the X-Punctual-Version header of /status/."`
	StatusHTTP          string   `name:"status-http" group:"Health" secret:"urls" placeholder:"LIST" help:"Web addresses that are looked at as well: name=URL expect=200 timeout=1s, one in a line or with ; between them."`
	StatusCommand       string   `name:"status-command" group:"Health" secret:"commands" placeholder:"LIST" help:"Programs that are run as well: name=/path arguments timeout=1s; exit code 0 is well, 1 a warning, else an error."`
	MetricsListen       string   `name:"metrics-listen" group:"Health" placeholder:"HOST:PORT" help:"Address of /metrics for Prometheus; each process needs its own. Not set: on the site, guarded by a status token."`
	StatsDAddress       string   `name:"statsd-address" group:"Health" placeholder:"HOST:PORT" help:"StatsD server that metrics are pushed to, by UDP. Not set: nothing is pushed."`
	StatsDFormat        string   `name:"statsd-format" group:"Health" default:"dogstatsd" enum:"dogstatsd,statsd" placeholder:"FORMAT" help:"dogstatsd, with tags; or statsd, with the values of labels in the names."`
	StatsDPrefix        string   `name:"statsd-prefix" group:"Health" default:"punctual" placeholder:"TEXT" help:"What the names of pushed metrics begin with."`
	StatsDTags          []string `name:"statsd-tags" group:"Health" placeholder:"KEY:VALUE" help:"Tags of all pushed metrics, as in env:prod,site:riga."`
	MetricsKey          string   `name:"metrics-key" group:"Health" secret:"true" placeholder:"TEXT" help:"Key of /api/v3/metrics/. Not set: it is closed."`
	AdminsWebhook       string   `name:"admins-webhook" group:"Health" secret:"true" placeholder:"URL" help:"Incoming webhook of Slack, or of what understands it, told the same as admins."`
	HeartbeatURL        string   `name:"heartbeat-url" group:"Health" secret:"true" placeholder:"URL" help:"Ping URL that sendalerts asks for once a minute while it works, so that another monitor notices when it does not."`
	PeerURL             string   `name:"peer-url" group:"Health" placeholder:"URL" help:"Site of a second Punctual that asks our public ping address from outside. It has to know peer-secret, and our ping-endpoint as its peer-ping-endpoint."`
	PeerSecret          string   `name:"peer-secret" group:"Health" secret:"true" placeholder:"TEXT" help:"What two instances know each other by that ask for each other: the same on both, 16 characters or more."`
	PeerPingEndpoint    string   `name:"peer-ping-endpoint" group:"Health" placeholder:"URL" help:"What ping URLs of the other instance begin with. Set: it may have us ask there, and nowhere else, whether they work from here."`
	LogLevel            string   `name:"log-level" group:"Health" default:"info" placeholder:"LEVELS" help:"The least that is logged: debug, info, warn or error; of an area by itself as in info,http=warn,alerts=debug."`
	LogFormat           string   `name:"log-format" group:"Health" default:"auto" enum:"auto,text,json" placeholder:"FORMAT" help:"text, json, or auto: text on a terminal, else JSON."`

	// variable → where its value came from
	origins  map[string]string
	warnings []string
}

// Warnings are things worth telling the operator that do not stop the start,
// one sentence each: unknown PUNCTUAL_ variables, settings without effect.
func (c *Config) Warnings() []string { return c.warnings }
