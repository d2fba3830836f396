// Twin answers AdmissionReviews as the webhooks of tidewaiter do where nothing is to be run, with the standard library alone. With
// -object the object is read into a map, as one does who reads fields by path; without, only the fields that the decision needs.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

type meta struct {
	Name        string            `json:"name"`
	UID         string            `json:"uid"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type object struct {
	Metadata meta `json:"metadata"`
	Status   struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

type request[T any] struct {
	UID       string `json:"uid"`
	Operation string `json:"operation"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UserInfo  struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"userInfo"`
	Object T    `json:"object"`
	DryRun bool `json:"dryRun"`
}

type review[T any] struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Request    request[T] `json:"request"`
}

type response struct {
	UID     string            `json:"uid"`
	Allowed bool              `json:"allowed"`
	Audit   map[string]string `json:"auditAnnotations,omitempty"`
}

type answer struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Response   response `json:"response"`
}

// What of it is decided on: work that is to begin, and nothing that only tidewaiter may write.
func startsWork(phase string) bool { return phase == "" || phase == "New" }

// The URL of the one action that there is.
var action string

// Does the action: calls a server, and wants 200.
func act(name string) (bool, error) {
	body, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return false, err
	}
	said, err := http.Post(action, "application/json", bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	defer said.Body.Close()
	_, err = io.Copy(io.Discard, said.Body)
	return said.StatusCode == 200, err
}

type question struct {
	uid, name string
	starts    bool
	labels    func(key string) string
}

func answered(w http.ResponseWriter, path string, one question) {
	reason := "NotStarting"
	if one.starts {
		reason = "NoActionMatches"
	}
	allowed := true
	if one.labels("bench") == "act" {
		var err error
		if allowed, err = act(one.name); err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
	}
	said := answer{"admission.k8s.io/v1", "AdmissionReview", response{UID: one.uid, Allowed: allowed}}
	// The mutating webhook of tidewaiter says it in the validating one alone.
	if !strings.HasPrefix(path, "/hold") {
		said.Response.Audit = map[string]string{"verdict": "allowed", "reason": reason}
	}
	body, err := json.Marshal(said)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

func read[T any](r *http.Request) (review[T], error) {
	var asked review[T]
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 8<<20))
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err == nil && asked.Kind != "AdmissionReview" {
		err = fmt.Errorf("kind must be AdmissionReview, got %q", asked.Kind)
	}
	return asked, err
}

func typed(w http.ResponseWriter, r *http.Request) {
	asked, err := read[object](r)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	request := asked.Request
	answered(w, r.URL.Path, question{request.UID, request.Name, startsWork(request.Object.Status.Phase),
		func(key string) string { return request.Object.Metadata.Labels[key] }})
}

func mapped(w http.ResponseWriter, r *http.Request) {
	asked, err := read[map[string]any](r)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	status, _ := asked.Request.Object["status"].(map[string]any)
	phase, _ := status["phase"].(string)
	metadata, _ := asked.Request.Object["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	answered(w, r.URL.Path, question{asked.Request.UID, asked.Request.Name, startsWork(phase), func(key string) string {
		text, _ := labels[key].(string)
		return text
	}})
}

func main() {
	cert := flag.String("cert", "", "the certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	flag.StringVar(&action, "action", "", "what is called for a Backup with the label bench=act")
	toMap := flag.Bool("object", false, "read the object into a map")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	handler := typed
	if *toMap {
		handler = mapped
	}
	fmt.Fprintf(os.Stdout, "listens on %s\n", listener.Addr())
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	log.Fatal(http.ServeTLS(listener, http.HandlerFunc(handler), *cert, *key))
}
