//go:build ignore

// This program writes zones.txt from the source files of tzdata:
//
//	apt-get source tzdata
//	go run zones_gen.go <directory of the source> zones.txt
//
// An old name is a link in the file "backward" that no longer stands for a
// place of its own in zone.tab; UTC and the Etc/ names stay (docs/contract.md §2.5).
package main

import (
	"bufio"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	source := os.Args[1]
	target := os.Args[2]
	places := map[string]bool{"UTC": true, "GMT": true}
	for _, f := range records(filepath.Join(source, "zone.tab")) {
		places[f[2]] = true
	}
	names := map[string]string{}
	for _, file := range []string{"africa", "antarctica", "asia", "australasia", "backward", "etcetera", "europe", "northamerica",
		"southamerica"} {
		for _, f := range records(filepath.Join(source, file)) {
			switch f[0] {
			case "Zone":
				names[f[1]] = ""
			case "Link":
				names[f[2]] = ""
				if !places[f[2]] && !strings.HasPrefix(f[2], "Etc/") {
					names[f[2]] = replacement(f, places)
				}
			}
		}
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out.WriteString(strings.TrimSpace(name+" "+names[name]) + "\n")
	}
	if err := os.WriteFile(target, []byte(out.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

// replacement is the link's target, or the better fitting place that a comment
// "#= TARGET1" names.
func replacement(link []string, places map[string]bool) string {
	if i := slices.Index(link, "#="); i >= 0 && places[link[i+1]] {
		return link[i+1]
	}
	return link[1]
}

func records(file string) (all [][]string) {
	f, err := os.Open(file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 2 && !strings.HasPrefix(fields[0], "#") {
			all = append(all, fields)
		}
	}
	return all
}
