package ui

// What tests of the pages need of what is behind them.
const BodiesRoom = bodiesRoom
const MessageMark = messageMark
