package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"
)

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?s)<input[^>]*>`)
	nameAttr  = regexp.MustCompile(`name="([^"]*)"`)
	valueAttr = regexp.MustCompile(`value="([^"]*)"`)
)

// fillForms opens a page as a browser does and submits each form that it shows, until a page has none. It returns that page.
func fillForms(t *testing.T, address string) string {
	t.Helper()
	return browseForms(t, address, "")
}

// browseForms is fillForms with a button that is pressed instead of the one that confirms. It returns the page after that.
func browseForms(t *testing.T, address, button string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience}
	resp, err := browser.Get(address)
	pressed := false
	for range 8 {
		if err != nil {
			t.Fatal(err)
		}
		text, action, fields := readForm(t, resp)
		if action == "" || pressed {
			return text
		}
		if button != "" && fields.Has("confirm") {
			fields.Set(button, "yes")
			pressed = true
		}
		resp, err = browser.PostForm(action, fields)
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("got another form after 8 at %s, want a page without one", address)
	return ""
}

// readForm reads a page and its first form: the address that receives it, "" if there is no form, and the fields, of which
// those without a value are filled in.
func readForm(t *testing.T, resp *http.Response) (text, action string, fields url.Values) {
	t.Helper()
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	form := formTag.FindStringSubmatch(string(raw))
	if form == nil {
		return string(raw), "", nil
	}
	to, err := resp.Request.URL.Parse(html.UnescapeString(form[1]))
	if err != nil {
		t.Fatal(err)
	}
	fields = url.Values{}
	for _, input := range inputTag.FindAllString(form[2], -1) {
		name, value := nameAttr.FindStringSubmatch(input), valueAttr.FindStringSubmatch(input)
		switch {
		case name == nil || fields.Has(name[1]): // the first of several radio buttons
		case value != nil:
			fields.Set(name[1], html.UnescapeString(value[1]))
		default:
			fields.Set(name[1], "sam")
		}
	}
	return string(raw), to.String(), fields
}
