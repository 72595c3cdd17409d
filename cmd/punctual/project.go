package main

import (
	"context"
	"encoding/json"
	"fmt"

	"punctual/internal/project"
)

// projectCmd is `punctual project …`.
type projectCmd struct {
	Create projectCreateCmd `cmd:"" help:"Make a project with its keys, for programs that set up checks."`
}

// projectCreateCmd is `punctual project create`: provisioning without a browser.
type projectCreateCmd struct {
	Settings settings `embed:""`

	Owner  string `required:"" placeholder:"ADDRESS" help:"E-mail address of the owner; the account is made where there is none."`
	Name   string `required:"" placeholder:"TEXT" help:"Name of the project. Where the owner has one of the name, that one is meant."`
	Rotate bool   `help:"Make all keys new. Those in use stop working at once."`
	JSON   bool   `name:"json" help:"Print project, api_key, api_key_readonly and ping_key as a JSON object."`
}

// Run makes what is missing and prints the keys that it made. API keys that
// exist already cannot be told again: only their hashes are stored.
func (c *projectCreateCmd) Run(ctx context.Context, w *world) error {
	a, done, err := openAccounts(ctx, w, &c.Settings)
	if err != nil {
		return err
	}
	defer done()
	keys, err := a.projects.Provision(ctx, project.ProvisionRequest{Owner: c.Owner, Name: c.Name, Rotate: c.Rotate})
	if err != nil {
		return asGiven(err)
	}
	if !keys.Complete() {
		fmt.Fprintln(w.stderr, "punctual: the project has API keys already, which cannot be shown again; --rotate makes new ones")
	}
	if c.JSON {
		return json.NewEncoder(w.stdout).Encode(newKeysJSON(keys))
	}
	fmt.Fprintf(w.stdout, "Project:            %s\nAPI key:            %s\nAPI key, read-only: %s\nPing key:           %s\n",
		keys.Project, orHidden(keys.APIKey), orHidden(keys.APIKeyReadonly), keys.PingKey)
	return nil
}

func orHidden(key string) string {
	if key == "" {
		return "(made before)"
	}
	return key
}

// keysJSON has null for a key that cannot be told.
type keysJSON struct {
	Project        string  `json:"project"`
	APIKey         *string `json:"api_key"`
	APIKeyReadonly *string `json:"api_key_readonly"`
	PingKey        string  `json:"ping_key"`
}

func newKeysJSON(k project.Keys) keysJSON {
	out := keysJSON{Project: k.Project.String(), PingKey: k.PingKey}
	if k.APIKey != "" {
		out.APIKey = &k.APIKey
	}
	if k.APIKeyReadonly != "" {
		out.APIKeyReadonly = &k.APIKeyReadonly
	}
	return out
}
