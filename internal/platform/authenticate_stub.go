package platform

// authenticate returns who a credential speaks for. It knows API keys alone; the real one replaces it at the merge.
func (s *Server) authenticate(tx *tx, token string) (principal, bool) {
	key, ok := get[apiKey](tx, bucketAPIKeys, s.digest(token))
	if !ok || key.RevokedAt != nil {
		return principal{}, false
	}
	return principal{UserID: key.UserID, WorkspaceID: key.WorkspaceID}, true
}
