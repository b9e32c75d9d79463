#!/bin/bash
# repin.sh KUBERNETES: writes go.mod and go.sum anew, for example: ./repin.sh v1.37.2
# HELM and COREDNS choose the versions of those two. Run by hand, then commit what changed.
set -euo pipefail
kubernetes=$1
helm=${HELM:-v4.3.1}
coredns=${COREDNS:-v1.14.4}
cd "$(dirname "$0")"
rm -f go.mod go.sum
go mod init jit-access.dev/tests/control-plane
# k8s.io/kubernetes replaces its staging modules by folders of its own repository. That has no
# effect in a module that requires it, and the versions it requires are v0.0.0: each staging
# module is taken from where it is published, v0.37.2 for v1.37.2.
theirs=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
sed -n 's#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#\1#p' "$theirs" | while read -r module; do
  go mod edit -replace "$module=$module@v0.${kubernetes#v1.}"
done
go mod edit -require "k8s.io/kubernetes@$kubernetes" -require "helm.sh/helm/v4@$helm" -require "github.com/coredns/coredns@$coredns"
go mod tidy
