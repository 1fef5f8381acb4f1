package platform

import (
	"context"
	"net/http"
)

func (s *Server) routeAPI(mux *http.ServeMux) {}

func (s *Server) startWorkers(ctx context.Context) {}
