package auth

import "net/url"

// params returns the further parameters of authorization requests.
func (c Client) params() url.Values {
	values, err := url.ParseQuery(c.Params)
	if err != nil {
		return url.Values{} // the record is damaged
	}
	return values
}

// resources returns the parameter that token and refresh requests repeat (RFC 8707 section 2.2).
func (c Client) resources() url.Values {
	if resources := c.params()["resource"]; len(resources) > 0 {
		return url.Values{"resource": resources}
	}
	return nil
}

// paramsFor returns Params if the client belongs to a server.
func (c Client) paramsFor(server Server) string {
	if c.Issuer != server.Issuer {
		return ""
	}
	return c.Params
}

// withParams adds further parameters to the address of an authorization request.
func withParams(address string, params url.Values) string {
	if len(params) == 0 {
		return address
	}
	return address + "&" + params.Encode()
}
