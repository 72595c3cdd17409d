package demo

import "time"

const (
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

// ending is how things stand with a job at the moment the demo begins.
type ending int

const (
	// it does what it should
	_ ending = iota
	// a run began job.ago before
	running
	// the ping is due, and within the grace time
	late
	// its last run failed
	failing
	// nothing has been heard for job.ago
	silent
	// somebody paused the check job.ago before
	paused
	// it has never run
	fresh
)

// job is a cron job of the demo and the check that watches it.
type job struct {
	// index into projects
	project          int
	name, slug, tags string
	about            string
	// a period as of time.ParseDuration, or a cron or OnCalendar expression
	every string
	// of the expression
	tz    string
	grace time.Duration

	// a run, about; 0 = it says only that it is done
	takes time.Duration
	// by how much longer it takes today than at the beginning: 0.5 = by half
	drift float64
	// its pings carry run ids
	rids bool
	// incidents a month
	woes float64

	end ending
	// see ending; of a period also: when the last run began
	ago time.Duration

	from sender
	// nil: it sends no bodies
	prints printer
	// letters of channels
	alerts string
}

// sender is what a ping tells of where it comes from.
type sender struct{ scheme, method, ua, addr string }

func byCurl(addr string) sender   { return sender{"https", "POST", "curl/8.14.1", addr} }
func byGet(addr string) sender    { return sender{"https", "GET", "curl/7.88.1", addr} }
func byWget(addr string) sender   { return sender{"http", "GET", "Wget/1.25.0", addr} }
func byPython(addr string) sender { return sender{"https", "POST", "python-requests/2.32.5", addr} }
func byGo(addr string) sender     { return sender{"https", "POST", "Go-http-client/2.0", addr} }
func byMail(addr string) sender   { return sender{scheme: "email", addr: addr} }

const (
	riga    = "Europe/Riga"
	newYork = "America/New_York"
	tokyo   = "Asia/Tokyo"
	berlin  = "Europe/Berlin"
	sydney  = "Australia/Sydney"
	london  = "Europe/London"
)

// jobs returns all jobs, those of a project in the order they were made.
func jobs() []job {
	return append(append(operations(), dataPlatform()...), homeLab()...)
}

func operations() []job {
	return []job{
		{name: "Nightly Postgres backup", slug: "db-backup-nightly", tags: "prod db backup", every: "0 3 * * *", tz: riga, grace: hour,
			about: "pg_dump of all production databases to s3://acme-backups.\nRunbook: wiki/ops/backups. A run that fails on a full disk: move " +
				"the oldest dumps to the archive.",
			takes: 24 * minute, drift: 0.6, rids: true, woes: 1.5, from: byCurl("203.0.113.24"), prints: backup, alerts: "opn"},
		{name: "Offsite restic backup", slug: "restic-offsite", tags: "prod backup offsite", every: "Mon..Fri 01:30", tz: riga, grace: 3 * hour,
			takes: 41 * minute, drift: 0.3, rids: true, woes: 1, from: byCurl("203.0.113.24"), prints: restic, alerts: "ow"},
		{name: "Ship MySQL binlogs", slug: "binlog-ship", tags: "prod db", every: "10m", grace: 10 * minute, ago: 3 * minute,
			takes: 8 * second, woes: 2, from: byGet("203.0.113.25"), alerts: "ow"},
		{name: "Renew TLS certificates", slug: "certbot-renew", tags: "prod web", every: "17 */12 * * *", tz: "UTC", grace: 30 * minute,
			about: "certbot on the load balancers. Certificates live 90 days and are renewed 30 days before, so one failure is no hurry.",
			woes:  2, from: byCurl("198.51.100.7"), prints: certbot, alerts: "opw"},
		{name: "Sync invoices to ERP", slug: "erp-invoice-sync", tags: "prod billing", every: "15m", grace: 5 * minute, end: failing,
			ago:   4 * minute,
			takes: 40 * second, woes: 6, from: byPython("203.0.113.31"), prints: erp, alerts: "opw"},
		{name: "Rotate application logs", slug: "logrotate", tags: "infra", every: "24h", grace: hour, ago: 9 * hour,
			takes: 2 * second, woes: 0.7, from: byWget("203.0.113.24"), alerts: "o"},
		{name: "Rebuild search index", slug: "search-reindex", tags: "prod web", every: "0 * * * *", tz: "UTC", grace: 20 * minute,
			takes: 6 * minute, drift: 0.9, rids: true, woes: 5, from: byGo("203.0.113.40"), prints: reindex, alerts: "own"},
		{name: "Warm CDN cache", slug: "cdn-warm", tags: "web", every: "5m", grace: 5 * minute, ago: 2 * minute,
			takes: 12 * second, drift: 0.2, woes: 8, from: byGet("203.0.113.40"), alerts: "w"},
		{name: "Expire stale sessions", slug: "expire-sessions", tags: "web db", every: "*/20 * * * *", tz: "UTC", grace: 10 * minute,
			takes: 3 * second, woes: 2, from: byGet("203.0.113.40"), alerts: "o"},
		{name: "Snapshot of etcd", slug: "etcd-snapshot", tags: "prod k8s backup", every: "0 */6 * * *", tz: "UTC", grace: 30 * minute,
			takes: 35 * second, rids: true, woes: 1, from: byCurl("2001:db8:40::12"), prints: etcd, alerts: "op"},
		{name: "Prune Docker images", slug: "docker-prune", tags: "ci infra", every: "168h", grace: day, ago: 2 * day,
			takes: 63 * second, woes: 0.3, from: byCurl("198.51.100.30"), prints: docker, alerts: "o"},
		{name: "VPN gateway heartbeat", slug: "vpn-heartbeat", tags: "network", every: "1m", grace: 2 * minute, ago: 50 * second,
			woes: 7, from: byGet("198.51.100.1"), alerts: "opwn"},
		{name: "Mirror DNS zones", slug: "dns-mirror", tags: "network", every: "30m", grace: 6 * hour, end: late,
			takes: 5 * second, woes: 1, from: byWget("198.51.100.2"), alerts: "o"},
		{name: "Payroll export (SEPA)", slug: "payroll-sepa", tags: "prod billing", every: "30 5 L * *", tz: berlin, grace: 4 * hour,
			about: "Must be with the bank by 10:00 of the last day of the month. Finance is told too: finance@acme.example.",
			takes: 9 * second, from: byPython("203.0.113.31"), prints: payroll, alerts: "opw"},
		{name: "Send weekly digest e-mails", slug: "weekly-digest", tags: "mail", every: "0 8 * * MON", tz: newYork, grace: 2 * hour,
			takes: 18 * minute, drift: 0.4, woes: 0.5, from: byPython("203.0.113.52"), prints: digest, alerts: "o"},
		{name: "Quarterly report build", slug: "report-quarterly", tags: "billing", every: "0 6 1 1,4,7,10 *", tz: newYork, grace: day,
			end: fresh, ago: 6 * day, alerts: "o"},
		{name: "Legacy FTP mirror", slug: "ftp-mirror", tags: "legacy", every: "24h", grace: 6 * hour, end: paused, ago: 19 * day,
			about: "Paused until the last customer has moved to SFTP.", takes: 4 * minute, woes: 4, from: byWget("198.51.100.90"), alerts: "o"},
		{name: "Vulnerability scan", slug: "vuln-scan", tags: "security", every: "Sat 22:00", tz: london, grace: 4 * hour,
			takes: 130 * minute, drift: 0.2, rids: true, woes: 0.4, from: byGo("198.51.100.44"), prints: scan, alerts: "o"},
		{name: "Restore drill", slug: "restore-drill", tags: "backup", every: "*-*-01 04:00", tz: riga, grace: 6 * hour,
			about: "Restores the newest backup into an empty database and counts rows. A backup nobody has restored is a hope.",
			takes: 52 * minute, rids: true, from: byCurl("203.0.113.24"), prints: restore, alerts: "op"},
		{name: "Edge cache purge, Tokyo", slug: "edge-purge-tokyo", tags: "web apac", every: "0 4 * * *", tz: tokyo, grace: 30 * minute,
			takes: 50 * second, woes: 1.5, from: byGo("198.51.100.171"), alerts: "w"},
		{name: "NAS snapshot report", slug: "nas-snapshots", tags: "office backup", every: "24h", grace: 4 * hour, ago: 11 * hour,
			woes: 1, from: byMail("192.0.2.18"), prints: nas, alerts: "o"},
		{name: "Licence server heartbeat", slug: "licence-heartbeat", tags: "office", every: "10m", grace: 20 * minute, end: silent,
			ago:  3*hour + 14*minute,
			woes: 2, from: byWget("192.0.2.20"), alerts: "opw"},
	}
}

func dataPlatform() []job {
	const p = 1
	return []job{
		{project: p, name: "Orders 1/4: extract", slug: "orders-extract", tags: "etl orders", every: "0 2 * * *", tz: riga, grace: 30 * minute,
			takes: 11 * minute, drift: 0.5, rids: true, woes: 1, from: byPython("203.0.113.70"), prints: etl("extracted", "orders"), alerts: "dc"},
		{project: p, name: "Orders 2/4: transform", slug: "orders-transform", tags: "etl orders", every: "20 2 * * *", tz: riga, grace: hour,
			takes: 22 * minute, drift: 0.5, rids: true, woes: 1, from: byPython("203.0.113.70"), prints: etl("transformed", "order lines"),
			alerts: "dc"},
		{project: p, name: "Orders 3/4: load", slug: "orders-load", tags: "etl orders", every: "0 3 * * *", tz: riga, grace: 45 * minute,
			takes: 17 * minute, drift: 0.7, rids: true, woes: 1, from: byPython("203.0.113.70"), prints: etl("loaded", "order lines"), alerts: "dc"},
		{project: p, name: "Orders 4/4: refresh dashboards", slug: "orders-dashboards", tags: "etl orders bi", every: "30 3 * * *", tz: riga,
			grace: hour,
			takes: 6 * minute, rids: true, woes: 1, from: byPython("203.0.113.70"), prints: etl("refreshed", "dashboards"), alerts: "dc"},
		{project: p, name: "Import product catalogue", slug: "catalogue-import", tags: "etl shop", every: "30m", grace: 30 * minute, end: running,
			ago:   3 * minute,
			takes: 12 * minute, drift: 0.2, rids: true, woes: 4, from: byPython("203.0.113.71"), prints: etl("imported", "products"), alerts: "d"},
		{project: p, name: "Compact clickstream", slug: "clickstream-compact", tags: "etl web", every: "20m", grace: hour, end: running,
			ago:   7 * minute,
			about: "Runs overlap on purpose: each takes longer than the pause between two. The run ids keep them apart.",
			takes: 26 * minute, drift: 0.3, rids: true, woes: 2, from: byGo("203.0.113.72"), prints: etl("compacted", "segments"), alerts: "d"},
		{project: p, name: "Export customers to CRM", slug: "crm-export", tags: "crm", every: "*/20 * * * *", tz: "UTC", grace: 15 * minute,
			end: silent, ago: 47 * minute,
			takes: 70 * second, woes: 4, from: byPython("203.0.113.73"), prints: etl("exported", "customers"), alerts: "dc"},
		{project: p, name: "Currency rates", slug: "currency-rates", tags: "finance", every: "5 16 * * MON-FRI", tz: berlin, grace: 90 * minute,
			woes: 1.5, from: byPython("203.0.113.74"), prints: etl("stored", "rates"), alerts: "d"},
		{project: p, name: "Train recommendation model", slug: "recommender-train", tags: "ml gpu", every: "Sun 03:00", tz: "UTC",
			grace: 8 * hour,
			takes: 190 * minute, drift: 0.6, rids: true, woes: 0.6, from: byPython("203.0.113.75"), prints: train, alerts: "d"},
		{project: p, name: "Refresh fraud scores", slug: "fraud-scores", tags: "ml prod", every: "15m", grace: 10 * minute, ago: 6 * minute,
			takes: 95 * second, drift: 0.5, woes: 5, from: byPython("203.0.113.75"), alerts: "dc"},
		{project: p, name: "Data quality checks", slug: "data-quality", tags: "etl quality", every: "0 6 * * *", tz: riga, grace: hour,
			end:   failing,
			takes: 4 * minute, rids: true, woes: 5, from: byPython("203.0.113.70"), prints: quality, alerts: "dc"},
		{project: p, name: "Ad spend import", slug: "ad-spend", tags: "marketing", every: "6h", grace: 2 * hour, end: late,
			takes: 80 * second, woes: 2, from: byPython("203.0.113.76"), alerts: "d"},
		{project: p, name: "Archive old partitions", slug: "archive-partitions", tags: "db", every: "0 1 1 * *", tz: "UTC", grace: 12 * hour,
			takes: 48 * minute, from: byPython("203.0.113.70"), prints: etl("archived", "partitions"), alerts: "d"},
		{project: p, name: "Deletion requests (GDPR)", slug: "gdpr-deletions", tags: "legal", every: "0 22 * * *", tz: sydney, grace: 6 * hour,
			takes: 3 * minute, woes: 0.5, from: byPython("203.0.113.70"), prints: etl("deleted", "accounts"), alerts: "d"},
		{project: p, name: "Warehouse vacuum", slug: "warehouse-vacuum", tags: "db", every: "12h", grace: 3 * hour, end: fresh, ago: 2 * day,
			alerts: "d"},
	}
}

func homeLab() []job {
	const p = 2
	return []job{
		{project: p, name: "Raspberry Pi greenhouse", slug: "pi-greenhouse", tags: "iot garden", every: "10m", grace: 10 * minute,
			ago:  7 * minute,
			woes: 4, from: byCurl("192.0.2.61"), prints: greenhouse, alerts: "h"},
		{project: p, name: "Solar inverter readings", slug: "solar-inverter", tags: "iot energy", every: "5m", grace: 15 * minute,
			ago:  4 * minute,
			woes: 3, from: byWget("192.0.2.62"), alerts: "h"},
		{project: p, name: "IoT gateway heartbeat", slug: "iot-gateway", tags: "iot network", every: "1m", grace: 3 * minute, end: silent,
			ago:  11 * minute,
			woes: 6, from: byGet("192.0.2.60"), alerts: "h"},
		{project: p, name: "Home Assistant backup", slug: "ha-backup", tags: "backup", every: "15 4 * * *", tz: riga, grace: 2 * hour,
			takes: 3 * minute, drift: 0.8, woes: 1, from: byCurl("192.0.2.60"), prints: backup, alerts: "h"},
		{project: p, name: "Photos to the cloud", slug: "photo-sync", tags: "backup family", every: "24h", grace: 12 * hour, ago: 15 * hour,
			takes: 35 * minute, drift: 0.5, woes: 1, from: byGet("192.0.2.65"), alerts: "h"},
		{project: p, name: "Optimise media database", slug: "media-optimise", tags: "media", every: "Sun 05:00", tz: riga, grace: 6 * hour,
			end: paused, ago: 33 * day,
			takes: 9 * minute, from: byGet("192.0.2.66"), alerts: "h"},
		{project: p, name: "Watering plan", slug: "watering-plan", tags: "iot garden", every: "30 5,21 * * *", tz: riga, grace: hour,
			woes: 1, from: byCurl("192.0.2.61"), alerts: "h"},
	}
}
