package web

// What tests of the pages need of what is behind them.
const SubscribeTime = subscribeTime

var IntegrationsPath = integrationsPath
