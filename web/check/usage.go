package check

import (
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// example is a way to ping, with the check's own URL in it.
type example struct {
	ID, Title string
	// one sentence above the code
	Note string
	Code string
}

// examplesFor are the ways to ping check c at its url, and at its e-mail address
// where it has one, that the details page shows, the most common first. They need
// nothing but what comes with each language. All that can tell try again for half a
// minute when there is no answer, and after 429 and 5xx; other answers are final. They
// say so on standard error, and the job goes on.
func examplesFor(url, email string, c *monitor.Check) []example {
	expression := "0 3 * * *"
	zone := "UTC"
	if c.Kind == schedule.Cron {
		expression = c.Schedule
		zone = c.TZ
	}
	values := strings.NewReplacer("URL", url, "EMAIL", email, "CRON", expression, "ZONE", zone)
	with := func(code string) string { return values.Replace(strings.TrimPrefix(code, "\n")) }
	all := []example{
		{"crontab", "Crontab", "Add it behind the command. It is sent only when the command has succeeded.", with(`
CRON /usr/local/bin/backup.sh && curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null URL`)},
		{"curl", "curl", "Measure the run, send the output along, and report the exit status, which is a failure unless it is 0.", with(`
#!/bin/sh
ping() { curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null "$@"; }
ping URL/start
out=$(/usr/local/bin/backup.sh 2>&1); status=$?
printf '%s' "$out" | ping --data-binary @- URL/$status
exit $status`)},
		{"bash", "Bash", "A script that reports whatever way it ends.", with(`
#!/bin/bash
url=URL
ping() { curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null "$url$1" || true; }
trap 'ping "/$?"' EXIT
set -e
ping /start

# … the work …`)},
		{"python", "Python", "Only the standard library is needed.", with(`
import sys
import time
import urllib.error
import urllib.request

def ping(suffix="", body=""):
    url = "URL" + suffix
    for pause in 0, 1, 2, 4, 8, 16:
        time.sleep(pause)
        try:
            urllib.request.urlopen(url, body.encode(errors="replace"), timeout=10).close()
            return
        except urllib.error.HTTPError as e:
            print("ping refused:", e, file=sys.stderr)
            if e.code < 500 and e.code != 429:
                return
        except Exception as e:
            print("ping failed:", e, file=sys.stderr)

ping("/start")
try:
    work()
except Exception as e:
    ping("/fail", str(e))
    raise
ping()`)},
		{"go", "Go", "", with(`
func ping(suffix string) {
	client := http.Client{Timeout: 10 * time.Second}
	for _, pause := range []time.Duration{0, 1, 2, 4, 8, 16} {
		time.Sleep(pause * time.Second)
		resp, err := client.Get("URL" + suffix)
		if err != nil {
			log.Print("ping failed: ", err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode >= 400 {
			log.Print("ping refused: ", resp.Status)
		}
		if resp.StatusCode < 500 && resp.StatusCode != 429 {
			return
		}
	}
}

ping("/start")
if err := work(); err != nil {
	ping("/fail")
	log.Fatal(err)
}
ping("")`)},
		{"node", "Node", "Version 18 and later have fetch.", with(`
async function ping(suffix = "", body = "") {
  const url = "URL" + suffix;
  for (const pause of [0, 1, 2, 4, 8, 16]) {
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    try {
      const answer = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(10000) });
      if (!answer.ok) console.error("ping refused:", answer.status);
      if (answer.status < 500 && answer.status !== 429) return;
    } catch (e) {
      console.error("ping failed:", e.cause?.code ?? e.message);
    }
  }
}

await ping("/start");
try {
  await work();
} catch (e) {
  await ping("/fail", String(e));
  throw e;
}
await ping();`)},
		{"php", "PHP", "", with(`
<?php
function ping(string $suffix = '', string $body = ''): void {
    $url = 'URL' . $suffix;
    $http = ['method' => 'POST', 'content' => $body, 'timeout' => 10, 'ignore_errors' => true];
    foreach ([0, 1, 2, 4, 8, 16] as $pause) {
        sleep($pause);
        $answer = @fopen($url, 'r', false, stream_context_create(['http' => $http]));
        if (!$answer) {
            error_log('ping failed: ' . (error_get_last()['message'] ?? ''));
            continue;
        }
        $lines = preg_grep('~^HTTP/~', stream_get_meta_data($answer)['wrapper_data']);
        $status = (int) explode(' ', end($lines))[1];
        if ($status >= 400) {
            error_log("ping refused: $status");
        }
        if ($status < 500 && $status != 429) {
            return;
        }
    }
}

ping('/start');
try {
    work();
} catch (Throwable $e) {
    ping('/fail', $e->getMessage());
    throw $e;
}
ping();`)},
		{"ruby", "Ruby", "", with(`
require "net/http"

def ping(suffix = "", body = "")
  uri = URI("URL" + suffix)
  options = { use_ssl: uri.scheme == "https", open_timeout: 10, read_timeout: 10 }
  [0, 1, 2, 4, 8, 16].each do |pause|
    sleep pause
    answer = Net::HTTP.start(uri.host, uri.port, options) { |http| http.post(uri.path, body) }
    status = answer.code.to_i
    warn "ping refused: #{status}" if status >= 400
    return if status < 500 && status != 429
  rescue StandardError => e
    warn "ping failed: #{e.message}"
  end
end

ping "/start"
begin
  work
rescue StandardError => e
  ping "/fail", e.message
  raise
end
ping`)},
		{"csharp", "C#", "", with(`
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };

async Task Ping(string suffix = "", string body = "")
{
    var url = "URL" + suffix;
    foreach (var pause in new[] { 0, 1, 2, 4, 8, 16 })
    {
        await Task.Delay(TimeSpan.FromSeconds(pause));
        try
        {
            using var answer = await http.PostAsync(url, new StringContent(body));
            var status = (int)answer.StatusCode;
            if (status >= 400) Console.Error.WriteLine($"ping refused: {status}");
            if (status < 500 && status != 429) return;
        }
        catch (Exception e) { Console.Error.WriteLine($"ping failed: {e.Message}"); }
    }
}

await Ping("/start");
try
{
    await Work();
}
catch (Exception e)
{
    await Ping("/fail", e.Message);
    throw;
}
await Ping();`)},
		{"powershell", "PowerShell", "", with(`
function Ping($suffix = "", $body = "") {
    $url = "URL$suffix"
    foreach ($pause in 0, 1, 2, 4, 8, 16) {
        Start-Sleep -Seconds $pause
        try {
            Invoke-RestMethod $url -Method Post -Body $body -TimeoutSec 10 | Out-Null
            return
        } catch {
            [Console]::Error.WriteLine("ping failed: $_")
            $status = [int]$_.Exception.Response.StatusCode
            if ($status -gt 0 -and $status -lt 500 -and $status -ne 429) { return }
        }
    }
}

Ping "/start"
try {
    & C:\jobs\backup.ps1
} catch {
    Ping "/fail" "$_"
    throw
}
Ping`)},
		{"systemd", "systemd", "Two units: a small one that pings, and the job's, which names it for each way to end (systemd 249 or later).",
			with(`
# /etc/systemd/system/backup-ping@.service
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null \
    URL/%i

# /etc/systemd/system/backup.service
[Unit]
Wants=backup-ping@start.service
After=backup-ping@start.service
OnSuccess=backup-ping@0.service
OnFailure=backup-ping@fail.service

[Service]
Type=oneshot
ExecStart=/usr/local/bin/backup.sh`)},
		{"kubernetes", "Kubernetes", "A CronJob that reports its exit status. The image needs a shell and wget, which Alpine and BusyBox have.",
			with(`
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
                  ping() {
                    url=URL/$1
                    for pause in 0 1 2 4 8 16; do
                      sleep $pause
                      answer=$(wget -q -S -T 10 -O /dev/null "$url" 2>&1) && break
                      echo "ping failed: $answer" >&2
                      case $answer in *HTTP/1.?" 429"*) ;; *HTTP/1.?" 4"*) break ;; esac
                    done
                  }
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
