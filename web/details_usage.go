package web

import "strings"

// example is a way to ping, with the check's own URL in it.
type example struct {
	ID, Title string
	Note      string // one sentence above the code
	Code      string
}

// examplesFor are the ways to ping that the details page shows, the most common
// first. They need nothing but what comes with each language.
func examplesFor(url string) []example {
	with := func(code string) string { return strings.ReplaceAll(strings.TrimPrefix(code, "\n"), "URL", url) }
	return []example{
		{"crontab", "Crontab", "Add it behind the command. It is sent only when the command has succeeded.", with(`
0 3 * * * /usr/local/bin/backup.sh && curl -fsS -m 10 --retry 5 -o /dev/null URL`)},
		{"curl", "curl", "Measure the run, send the output along, and report the exit status, which is a failure unless it is 0.", with(`
curl -fsS -m 10 --retry 5 -o /dev/null URL/start
out=$(/usr/local/bin/backup.sh 2>&1); status=$?
printf '%s' "$out" | curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- URL/$status`)},
		{"bash", "Bash", "A script that reports whatever way it ends.", with(`
#!/bin/bash
ping() { curl -fsS -m 10 --retry 5 -o /dev/null "URL$1" || true; }
trap 'ping "/$?"' EXIT
set -e
ping /start

# … the work …`)},
		{"python", "Python", "Only the standard library is needed.", with(`
import urllib.request

def ping(suffix="", body=None):
    try:
        urllib.request.urlopen("URL" + suffix, data=body, timeout=10)
    except OSError as e:
        print("ping failed:", e)

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
	resp, err := client.Get("URL" + suffix)
	if err != nil {
		log.Printf("ping: %v", err)
		return
	}
	resp.Body.Close()
}

ping("/start")
if err := work(); err != nil {
	ping("/fail")
	log.Fatal(err)
}
ping("")`)},
		{"node", "Node", "Version 18 and later have fetch.", with(`
const ping = (suffix = "", body) =>
  fetch("URL" + suffix, { method: "POST", body, signal: AbortSignal.timeout(10000) })
    .catch((e) => console.error("ping failed:", e.message));

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
    @file_get_contents('URL' . $suffix, false, stream_context_create([
        'http' => ['method' => 'POST', 'content' => $body, 'timeout' => 10],
    ]));
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
  Net::HTTP.post(URI("URL" + suffix), body)
rescue SystemCallError, SocketError, Timeout::Error => e
  warn "ping failed: #{e.message}"
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
    try { await http.PostAsync("URL" + suffix, new StringContent(body)); }
    catch (Exception e) { Console.Error.WriteLine($"ping failed: {e.Message}"); }
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
    try { Invoke-RestMethod -Method Post -Uri "URL$suffix" -Body $body -TimeoutSec 10 | Out-Null }
    catch { Write-Warning "ping failed: $_" }
}

Ping "/start"
try {
    & C:\jobs\backup.ps1
    Ping
} catch {
    Ping "/fail" "$_"
    throw
}`)},
		{"systemd", "systemd", "In the unit of the service. ExecStopPost runs whatever way it has ended; $$ is how a unit writes $.", with(`
[Service]
Type=oneshot
ExecStartPre=-/usr/bin/curl -fsS -m 10 --retry 5 -o /dev/null URL/start
ExecStart=/usr/local/bin/backup.sh
ExecStopPost=-/bin/sh -c 'if [ "$$SERVICE_RESULT" = success ]; then s=; else s=/fail; fi; curl -fsS -m 10 --retry 5 -o /dev/null URL$$s'`)},
	}
}
