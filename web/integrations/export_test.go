package integrations

import "time"

// What tests of the pages need of what is behind them.
const ConnectTime = connectMinutes * time.Minute
const FormerConnectTime = formerConnectTime

var ListPath = listPath
