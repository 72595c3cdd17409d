package status

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"time"

	"punctual/internal/status"
)

// news is an item of a feed: a check, or the whole, in the state it is in. It
// gets a new id, and so is news again, whenever that changes.
type news struct {
	id, title, text string
	severity        status.Severity
	since           time.Time
}

// news lists the items, that of the whole where there are no details.
func (s *Server) news(v *view) []news {
	if !v.full {
		title := s.SiteName + " is well"
		if !v.healthy {
			title = s.SiteName + " is not well"
		}
		return []news{{id: s.tag("all", v.severity.String()), title: title, text: title + ".", severity: v.severity, since: v.at}}
	}
	var list []news
	for i := range v.entries {
		e := &v.entries[i]
		list = append(list, news{
			id:    s.tag(e.name, fmt.Sprintf("%s/%d", e.severity, e.since.Unix())),
			title: fmt.Sprintf("%s: %s", e.title, e.severity), text: e.message(), severity: e.severity, since: e.since,
		})
	}
	return list
}

// tag is an id that is no address (RFC 4151).
func (s *Server) tag(name, state string) string {
	host := "localhost"
	u, err := url.Parse(s.URL)
	if err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return "tag:" + host + ",2026:status/" + url.PathEscape(name) + "/" + state
}

type rssFeed struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title         string `xml:"title"`
	Link          string `xml:"link"`
	Description   string `xml:"description"`
	LastBuildDate string `xml:"lastBuildDate"`
	// minutes
	TTL   int       `xml:"ttl"`
	Items []rssItem `xml:"item"`
}

type rssItem struct {
	Title       string  `xml:"title"`
	Link        string  `xml:"link"`
	Description string  `xml:"description"`
	Category    string  `xml:"category"`
	GUID        rssGUID `xml:"guid"`
	PubDate     string  `xml:"pubDate"`
}

type rssGUID struct {
	IsPermaLink bool   `xml:"isPermaLink,attr"`
	Value       string `xml:",chardata"`
}

func (s *Server) rss(v *view) ([]byte, error) {
	feed := rssFeed{Version: "2.0", Channel: rssChannel{
		Title: s.feedTitle(), Link: s.URL, Description: "How " + s.SiteName + " itself is.", LastBuildDate: v.at.UTC().Format(time.RFC1123Z),
		TTL: 1,
	}}
	for _, n := range s.news(v) {
		feed.Channel.Items = append(feed.Channel.Items, rssItem{
			Title: n.title, Link: s.URL, Description: n.text, Category: n.severity.String(), GUID: rssGUID{Value: n.id},
			PubDate: n.since.UTC().Format(time.RFC1123Z),
		})
	}
	return document2xml(feed)
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID       string       `xml:"id"`
	Title    string       `xml:"title"`
	Updated  string       `xml:"updated"`
	Link     atomLink     `xml:"link"`
	Category atomCategory `xml:"category"`
	Content  atomText     `xml:"content"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (s *Server) atom(v *view) ([]byte, error) {
	page := atomLink{Rel: "alternate", Type: "text/html", Href: s.URL}
	feed := atomFeed{
		ID: s.tag("feed", "atom"), Title: s.feedTitle(), Updated: instant(v.at), Author: s.SiteName,
		Links: []atomLink{{Rel: "self", Type: "application/atom+xml", Href: s.URL + "?format=atom"}, page},
	}
	for _, n := range s.news(v) {
		feed.Entries = append(feed.Entries, atomEntry{
			ID: n.id, Title: n.title, Updated: instant(n.since), Link: page, Category: atomCategory{n.severity.String()},
			Content: atomText{Type: "text", Text: n.text},
		})
	}
	return document2xml(feed)
}

func (s *Server) feedTitle() string { return s.SiteName + " status" }

func document2xml(feed any) ([]byte, error) {
	body, err := xml.MarshalIndent(feed, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}
