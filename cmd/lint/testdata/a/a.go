package a

var X = 1 // behind
