// SPDX-License-Identifier: Apache-2.0
//
// The place of the API server and the way to talk to it: the one plain struct that kubeconfigs,
// flags and the in-cluster files end in, and that the transport consumes. Files are named, not
// read, where they may rotate: see client/config/rotating_file.h. Values; a ClusterConfig is shared
// const. Rules: client-go's rest.Config and clientcmd, Kubernetes 1.20 to 1.32.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/config/credential_provider.h"

namespace downwardfs::client {

/// "Act as someone else": sent as Impersonate-User, -Uid, -Group and -Extra-<key> headers.
struct Impersonation {
  std::string user;  ///< empty: nobody is impersonated, and the rest is empty too
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

/// One API server and one user.
struct ClusterConfig {
  /// http:// or https://, host, port and perhaps a path prefix; no trailing slash, no query.
  /// Over http:// nothing secret is sent: `credentials` is anonymous and no TLS member is set.
  std::string server;

  /// Whom to trust as the server. `ca_pem` wins over `ca_file`; neither means the system's CAs.
  std::string ca_pem;
  std::string ca_file;
  bool insecure_skip_tls_verify = false;  ///< never together with a CA
  /// The name to ask for (SNI) and to find in the certificate; empty: the host of `server`.
  std::string tls_server_name;

  /// The client's certificate and key, PEM, in any mix of bytes and files; bytes win. Both halves
  /// are set or neither. A certificate in Credentials replaces this pair.
  std::string client_cert_pem;
  std::string client_cert_file;
  std::string client_key_pem;
  std::string client_key_file;

  /// http://, https:// or socks5://, which leaves names to the proxy (curl calls that socks5h);
  /// empty: what the environment says (https_proxy, no_proxy). May hold a password.
  std::string proxy_url;
  bool disable_compression = false;  ///< do not ask for gzip

  Impersonation impersonate;
  std::string default_namespace = "default";

  /// Never null (AnonymousCredentials() where there are none).
  std::shared_ptr<CredentialProvider> credentials = AnonymousCredentials();

  /// For messages about a missing right: all rights come from one ClusterRole (a node agent, which
  /// reads what lies in every namespace), also where the server names a namespace.
  bool cluster_wide = false;
  /// For messages: "context dev of /home/me/.kube/config", "the in-cluster configuration".
  std::string origin;
  /// The kubeconfig's context; empty if no kubeconfig is used.
  std::string context;
  /// For messages: the kubeconfig's user entry; empty if no kubeconfig is used.
  std::string user_name;
};

}  // namespace downwardfs::client
