package account

// What tests of the pages need of what is behind them.
const ConfirmPath = confirmPath
const ObviousTime = obviousTime
const ReportsPath = reportsPath
const SecondStepPath = secondStepPath
