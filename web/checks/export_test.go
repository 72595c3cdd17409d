package checks

// What tests of the pages need of what is behind them.
const MaxRowIcons = maxRowIcons
const PageRows = pageRows
const WholeList = wholeList

var Btoi = btoi

type ListUpdate = listUpdate
