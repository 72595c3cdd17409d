package web

import (
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// example is a way to ping, with the check's own URL in it.
type example struct {
	ID, Title string
	Note      string // one sentence above the code
	Code      string
}

// examplesFor are the ways to ping check c at its url, and at its e-mail address
// where it has one, that the details page shows, the most common first. They need
// nothing but what comes with each language.
func examplesFor(url, email string, c *monitor.Check) []example {
	expression, zone := "0 3 * * *", "UTC"
	if c.Kind == schedule.Cron {
		expression, zone = c.Schedule, c.TZ
	}
	values := strings.NewReplacer("URL", url, "EMAIL", email, "CRON", expression, "ZONE", zone)
	with := func(code string) string { return values.Replace(strings.TrimPrefix(code, "\n")) }
	all := []example{
		{"crontab", "Crontab", "Add it behind the command. It is sent only when the command has succeeded.", with(`
CRON /usr/local/bin/backup.sh && curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null URL`)},
		{"curl", "curl", "Measure the run, send the output along, and report the exit status, which is a failure unless it is 0.", with(`
curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null URL/start
out=$(/usr/local/bin/backup.sh 2>&1); status=$?
printf '%s' "$out" | curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null --data-binary @- URL/$status`)},
		{"bash", "Bash", "A script that reports whatever way it ends.", with(`
#!/bin/bash
ping() { curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null "URL$1" || true; }
trap 'ping "/$?"' EXIT
set -e
ping /start

# … the work …`)},
		{"python", "Python", "Only the standard library is needed.", with(`
import time
import urllib.request

def ping(suffix="", body=b""):
    for pause in 1, 2, 4, 8, 16:
        try:
            return urllib.request.urlopen("URL" + suffix, data=body, timeout=10)
        except OSError as e:
            print("ping failed:", e)
            time.sleep(pause)

ping("/start")
try:
    work()
    ping()
except Exception as e:
    ping("/fail", str(e).encode())
    raise`)},
		{"go", "Go", "", with(`
func ping(suffix string) {
	client := http.Client{Timeout: 10 * time.Second}
	for pause := time.Second; pause <= 16*time.Second; pause *= 2 {
		resp, err := client.Get("URL" + suffix)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode < 500 {
				return
			}
		}
		time.Sleep(pause)
	}
	log.Print("ping failed")
}

ping("/start")
if err := work(); err != nil {
	ping("/fail")
	log.Fatal(err)
}
ping("")`)},
		{"node", "Node", "Version 18 and later have fetch.", with(`
async function ping(suffix = "", body = "") {
  for (const pause of [1, 2, 4, 8, 16]) {
    const answer = await fetch("URL" + suffix, { method: "POST", body, signal: AbortSignal.timeout(10000) })
      .catch((e) => console.error("ping failed:", e.message));
    if (answer?.status < 500) return;
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

await ping("/start");
try {
  await work();
  await ping();
} catch (e) {
  await ping("/fail", String(e));
  throw e;
}`)},
		{"php", "PHP", "", with(`
<?php
function ping(string $suffix = '', string $body = ''): void {
    $request = stream_context_create(['http' => ['method' => 'POST', 'content' => $body, 'timeout' => 10]]);
    foreach ([1, 2, 4, 8, 16] as $pause) {
        if (@file_get_contents('URL' . $suffix, false, $request) !== false) {
            return;
        }
        sleep($pause);
    }
}

ping('/start');
try {
    work();
    ping();
} catch (Throwable $e) {
    ping('/fail', $e->getMessage());
    throw $e;
}`)},
		{"ruby", "Ruby", "", with(`
require "net/http"

def ping(suffix = "", body = "")
  [1, 2, 4, 8, 16].each do |pause|
    begin
      return if Net::HTTP.post(URI("URL" + suffix), body).code.to_i < 500
    rescue SystemCallError, SocketError, Timeout::Error => e
      warn "ping failed: #{e.message}"
    end
    sleep pause
  end
end

ping "/start"
begin
  work
  ping
rescue => e
  ping "/fail", e.message
  raise
end`)},
		{"csharp", "C#", "", with(`
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };

async Task Ping(string suffix = "", string body = "")
{
    foreach (var pause in new[] { 1, 2, 4, 8, 16 })
    {
        try
        {
            using var answer = await http.PostAsync("URL" + suffix, new StringContent(body));
            if ((int)answer.StatusCode < 500) return;
        }
        catch (Exception e) { Console.Error.WriteLine($"ping failed: {e.Message}"); }
        await Task.Delay(TimeSpan.FromSeconds(pause));
    }
}

await Ping("/start");
try
{
    await Work();
    await Ping();
}
catch (Exception e)
{
    await Ping("/fail", e.Message);
    throw;
}`)},
		{"powershell", "PowerShell", "", with(`
function Ping($suffix = "", $body = "") {
    foreach ($pause in 1, 2, 4, 8, 16) {
        try { Invoke-RestMethod -Method Post -Uri "URL$suffix" -Body $body -TimeoutSec 10 | Out-Null; return }
        catch { Write-Warning "ping failed: $_"; Start-Sleep -Seconds $pause }
    }
}

Ping "/start"
try {
    & C:\jobs\backup.ps1
    Ping
} catch {
    Ping "/fail" "$_"
    throw
}`)},
		{"systemd", "systemd", "Two units: a small one that pings, and the job's, which names it for each way to end (systemd 249 or later).", with(`
# /etc/systemd/system/backup-ping@.service
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null URL/%i

# /etc/systemd/system/backup.service
[Unit]
Wants=backup-ping@start.service
After=backup-ping@start.service
OnSuccess=backup-ping@0.service
OnFailure=backup-ping@fail.service

[Service]
Type=oneshot
ExecStart=/usr/local/bin/backup.sh`)},
		{"kubernetes", "Kubernetes", "A CronJob that reports its exit status. The image needs a shell and wget, which Alpine and BusyBox have.", with(`
apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
spec:
  schedule: "CRON"
  timeZone: "ZONE"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: backup
              image: registry.example.com/backup
              command: ["/bin/sh", "-c"]
              args:
                - |
                  ping() { for s in 1 2 4 8 16; do wget -q -T 10 -O /dev/null "URL/$1" && break; sleep $s; done; }
                  ping start
                  /usr/local/bin/backup.sh
                  status=$?
                  ping $status
                  exit $status`)},
	}
	if email != "" {
		all = append(all, example{"email", "E-mail", "For programs that can send a mail when they are done, but not request an address.", with(`
/usr/local/bin/backup.sh 2>&1 | mail -s "Backup done" EMAIL`)})
	}
	return all
}
