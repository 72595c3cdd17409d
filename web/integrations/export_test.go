package integrations

// What tests of the pages need of what is behind them.
const ConnectTime = connectTime

var ListPath = listPath
