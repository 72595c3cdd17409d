package web

// What tests of the pages need of what is behind them.
const ConnectTime = connectTime

var IntegrationsPath = integrationsPath
