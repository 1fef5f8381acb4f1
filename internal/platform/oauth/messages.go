package oauth

import "github.com/uselamina/lamina/internal/platform/wire/page"

func problemMessage(title, text string) *page.Message {
	return &page.Message{Icon: page.IconProblem, Title: title, Text: text}
}

func consentExpired() *page.Message {
	return problemMessage("This request has expired",
		"A request waits ten minutes for a decision. Start the sign-in again from the app.")
}

func consentAnswered() *page.Message {
	return problemMessage("This request was answered before",
		"You can close this page. To sign in again, start from the app.")
}

func noWorkspace() *page.Message {
	return problemMessage("No workspace was chosen",
		"Go back and choose one of your workspaces.")
}

func formInvalid() page.Message {
	return *problemMessage("This answer could not be checked",
		"It did not come from the consent page, or that page is too old. Start the sign-in again from the app.")
}

func tooManyGuesses() page.Message {
	return *problemMessage("Too many wrong codes",
		"For ten minutes, no further codes are accepted from this address. Then ask the device for a new code.")
}

func deviceExpired() page.Message {
	return *problemMessage("This code has expired",
		"A code is valid for fifteen minutes. Ask the device for a new one.")
}

func deviceIsApproved() page.Message {
	return page.Message{
		Icon: page.IconDone, Title: "Your device is signed in",
		Text: "You can close this page and go back to your terminal.",
	}
}

func deviceIsDenied() page.Message {
	return page.Message{
		Icon: page.IconDenied, Title: "You denied the request",
		Text: "The device gets no access. You can close this page.",
	}
}
