package demo

import (
	"fmt"
	"strings"
	"time"
)

// printer writes what a run sends along, and its exit status.
type printer func(*run) (text string, exit int)

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func backup(r *run) (string, int) {
	rows := 41_000_000 + int(9_000_000*r.grown) + r.between(0, 40_000)
	if r.failed {
		return lines("dumping acme_production ...", fmt.Sprintf("dumped 11 tables, %d rows", rows/3),
			"pg_dump: error: could not write to output file: No space left on device"), 28
	}
	return lines("dumping acme_production ...", fmt.Sprintf("dumped 17 tables, %d rows", rows),
		fmt.Sprintf("uploaded %.1f GB to s3://acme-backups/nightly/%s.dump", 31+11*r.grown, r.at.Format(time.DateOnly)),
		fmt.Sprintf("pruned %d old snapshots", r.between(0, 2))), 0
}

func restic(r *run) (string, int) {
	if r.failed {
		return lines("open repository", "Fatal: unable to open config file: Stat: 503 Service Unavailable",
			"Is there a repository at rest:https://backup.acme.example/offsite/?"), 10
	}
	return lines("open repository", fmt.Sprintf("Files:       %5d new, %5d changed, %d unmodified", r.between(40, 900), r.between(100, 2000),
		611_000+int(80_000*r.grown)),
		fmt.Sprintf("Added to the repository: %.3f GiB (%.3f GiB stored)", 2+3*r.Float64(), 1+1.2*r.Float64()),
		fmt.Sprintf("processed 1.%d TiB in %s", r.between(10, 60), r.took.Truncate(time.Second)),
		fmt.Sprintf("snapshot %08x saved", r.Uint32())), 0
}

func certbot(r *run) (string, int) {
	if r.failed {
		return lines("Processing /etc/letsencrypt/renewal/shop.acme.example.conf",
			"Failed to renew certificate shop.acme.example with error: urn:ietf:params:acme:error:rateLimited",
			"1 renew failure(s), 0 parse failure(s)"), 1
	}
	return lines("Processing /etc/letsencrypt/renewal/acme.example.conf",
		fmt.Sprintf("Certificate not yet due for renewal (%d days left)", r.between(31, 88)),
		"No renewals were attempted."), 0
}

func erp(r *run) (string, int) {
	n := r.between(0, 60)
	if r.failed {
		return lines(fmt.Sprintf("%d invoices to send", n+1), "Traceback (most recent call last):",
			`  File "/srv/billing/sync.py", line 88, in <module>`, "    client.push(batch)",
			`  File "/srv/billing/erp/client.py", line 41, in push`, "    raise ErpError(answer.status_code, answer.text)",
			"erp.client.ErpError: 401 token expired"), 1
	}
	return lines(fmt.Sprintf("%d invoices sent, 0 left", n)), 0
}

func reindex(r *run) (string, int) {
	docs := 880_000 + int(240_000*r.grown)
	if r.failed {
		return lines(fmt.Sprintf("indexed %d of %d documents", docs/2, docs), "index products-v2: circuit_breaking_exception: data too large"), 2
	}
	return lines(fmt.Sprintf("indexed %d documents in %s", docs, r.took.Truncate(time.Second)), "alias products now points to products-v2"), 0
}

func etcd(r *run) (string, int) {
	if r.failed {
		return lines(`{"level":"warn","msg":"retrying of unary invoker failed","error":"context deadline exceeded"}`,
			"Error: context deadline exceeded"), 1
	}
	return lines(fmt.Sprintf("Snapshot saved at /backup/etcd-%s.db", r.at.Format("20060102T150405")),
		fmt.Sprintf("%08x, %d keys, %d MB", r.Uint32(), 41_000+r.between(0, 900), 88+int(20*r.grown))), 0
}

func docker(r *run) (string, int) {
	if r.failed {
		return lines("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"), 1
	}
	return lines(fmt.Sprintf("Deleted %d images, %d build cache objects", r.between(12, 60), r.between(80, 400)),
		fmt.Sprintf("Total reclaimed space: %.2fGB", 8+20*r.Float64())), 0
}

func payroll(r *run) (string, int) {
	return lines(fmt.Sprintf("wrote pain.001 with %d payments", r.between(140, 149)), "checked: IBANs, sums, execution date",
		"handed to the bank, reference ACME"+r.at.Format("200601")), 0
}

func digest(r *run) (string, int) {
	if r.failed {
		return lines("smtp: 421 4.7.0 too many messages, slow down"), 75
	}
	return lines(fmt.Sprintf("%d digests queued, %d people want none", 11_800+int(2_100*r.grown), r.between(900, 980))), 0
}

func scan(r *run) (string, int) {
	if r.failed {
		return lines("scanner database is older than 7 days, refusing to scan"), 3
	}
	return lines(fmt.Sprintf("%d hosts scanned", 212+r.between(0, 9)),
		fmt.Sprintf("0 critical, %d high, %d medium", r.between(0, 2), r.between(5, 14))), 0
}

func restore(r *run) (string, int) {
	rows := 41_000_000 + int(9_000_000*r.grown)
	return lines("restored acme_production into drill_"+r.at.Format("20060102"), fmt.Sprintf("%d rows, as many as when it was dumped", rows),
		"dropped drill database"), 0
}

func etl(verb, what string) printer {
	return func(r *run) (string, int) {
		n := int((40_000 + 30_000*r.grown) * (0.8 + 0.4*r.Float64()))
		if r.failed {
			return lines(fmt.Sprintf("%s %d %s, then:", verb, n/2, what), `psycopg.errors.LockNotAvailable: canceling statement due to lock timeout`,
				`CONTEXT:  while updating tuple (8121,4) in relation "fact_orders"`), 1
		}
		return lines(fmt.Sprintf("%s %d %s", verb, n, what), fmt.Sprintf("rejected %d", r.between(0, 14)),
			fmt.Sprintf("watermark %s", r.at.Add(-time.Minute).UTC().Format(time.RFC3339))), 0
	}
}

func train(r *run) (string, int) {
	if r.failed {
		return lines("epoch 7/20", "RuntimeError: CUDA error: out of memory"), 1
	}
	return lines("epoch 20/20", fmt.Sprintf("ndcg@10 %.4f (before: %.4f)", 0.40+0.03*r.Float64(), 0.40+0.02*r.Float64()),
		"model published as recommender:"+r.at.Format("2006-01-02")), 0
}

func quality(r *run) (string, int) {
	if r.failed {
		return lines("142 rules, 139 passed",
			"FAILED orders.total_not_negative: 3 rows", "FAILED customers.country_known: 17 rows",
			"FAILED freshness.ad_spend: 9 h old, allowed 8 h"), 1
	}
	return lines("142 rules, 142 passed"), 0
}

func greenhouse(r *run) (string, int) {
	if r.failed {
		return lines("sensor 0x76 does not answer"), 5
	}
	return lines(fmt.Sprintf("temperature %.1f C, humidity %d%%, soil %d%%", 17+6*r.Float64(), r.between(55, 80), r.between(30, 60))), 0
}

// nas is a mail as network storage sends them, with the text in two forms.
func nas(r *run) (string, int) {
	word := "Success"
	text := fmt.Sprintf("Snapshot of /volume1 finished. %d snapshots are kept, %d.%d TB free.", r.between(28, 30), r.between(3, 4),
		r.between(0, 9))
	if r.failed {
		word = "Failed"
		text = "Snapshot of /volume1 failed: volume is degraded, disk 3 does not respond."
	}
	return strings.ReplaceAll(lines(
		"From: NAS Riga <nas@acme.example>", "To: nas-snapshots@ping.acme.example", "Date: "+r.at.Format(time.RFC1123Z),
		"Subject: [NAS] Snapshot task: "+word, "Message-ID: <"+fmt.Sprintf("%016x", r.Uint64())+"@nas.acme.example>",
		"MIME-Version: 1.0", `Content-Type: multipart/alternative; boundary="part"`, "",
		"--part", "Content-Type: text/plain; charset=utf-8", "", text, "",
		"--part", "Content-Type: text/html; charset=utf-8", "", "<h2>Snapshot task: "+word+"</h2><p>"+text+"</p><p>Acme office, rack 2</p>", "",
		"--part--"), "\n", "\r\n"), 0
}
