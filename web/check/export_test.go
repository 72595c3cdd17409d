package check

// What tests of the pages need of what is behind them.
const DetailsEvents = detailsEvents
const MaxShownBody = maxShownBody
const OutputLines = outputLines

var ExamplesFor = examplesFor

type DetailsUpdate = detailsUpdate
