// Uses everything healthchecks-io-client offers, with nothing of ours but the host.
// Arguments: site, API key, uuid of a check to ping. Prints what the answers said, as JSON.
const { HealthChecksPingClient, HealthChecksApiClient } = require('healthchecks-io-client');

async function main(site, apiKey, uuid) {
  const ping = new HealthChecksPingClient({ uuid, baseUrl: site + '/ping', returnResponse: true });
  const pings = [await ping.start(), await ping.success('fine'), await ping.fail('broken'), await ping.success()];

  const found = {};
  for (const apiVersion of [1, 2, 3]) {
    const api = new HealthChecksApiClient({ apiKey, baseUrl: site, apiVersion, maxContentLength: 1e6 });
    const made = await api.createCheck({ name: 'From npm', tags: 'npm js', timeout: 3600, grace: 600, unique: ['name'] });
    const id = made.ping_url.split('/').pop();
    found['v' + apiVersion] = {
      listed: (await api.getChecks(['npm', 'js'])).checks.length,
      got: (await api.getCheck(id)).name,
      updated: (await api.updateCheck(id, { name: 'Renamed', tags: 'js', timeout: 60, grace: 60 })).timeout,
      paused: (await api.pauseCheck(id)).status,
      pings: (await api.listPings(uuid)).pings.map((p) => p.type),
      flips: (await api.listFlips(uuid, { seconds: 3600 })).flips.map((f) => f.up),
      integrations: (await api.getIntegrations()).channels.map((c) => c.kind),
      deleted: (await api.deleteCheck(id)).name,
    };
    await api.getCheck(id).then(() => { throw new Error('the check is still there'); }, (err) => {
      if (!/404/.test(err.message)) throw err;
    });
  }
  console.log(JSON.stringify({ pings, found }));
}

main(...process.argv.slice(2)).catch((err) => {
  console.error(err);
  process.exit(1);
});
