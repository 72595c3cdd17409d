package spool

type Addresses struct{}

func openAddresses(dir string) (*Addresses, error) { return &Addresses{}, nil }
func (a *Addresses) close() error                  { return nil }
