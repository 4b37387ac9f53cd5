// SPDX-License-Identifier: Apache-2.0
#include "client/config/system_roots.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "client/config/ca_bundle.h"

namespace downwardfs::client {
namespace {

// Debian's bundle has 220 KB.
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr ? value : "";
}

std::vector<std::string> Split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t colon = list.find(':');
    parts.emplace_back(list.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    list.remove_prefix(colon + 1);
  }
}

// False if it cannot be read.
bool Take(const std::string& file, SystemRoots& roots) {
  const auto bytes = ReadFile(file, kMaxBytes);
  if (!bytes) {
    if (bytes.error().code != ErrorCode::kNotFound && roots.problem.empty()) {
      roots.problem = bytes.error().message;
    }
    return false;
  }
  auto bundle = ReadCaBundle(*bytes);
  if (bundle.certificates > 0) roots.pems.push_back(std::move(bundle.pem));
  return true;
}

// Folders made by c_rehash name each certificate twice: by a link to its neighbour.
bool LinksToNeighbour(const std::filesystem::directory_entry& entry) {
  std::error_code ec;
  if (!entry.is_symlink(ec)) return false;
  const auto target = std::filesystem::read_symlink(entry.path(), ec);
  return !ec && target.native().find('/') == std::string::npos;
}

}  // namespace

SystemRootPlaces FindSystemRootPlaces() {
  SystemRootPlaces places;
  places.files = {
      "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Gentoo
      "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL 6
      "/etc/ssl/ca-bundle.pem",                             // openSUSE
      "/etc/pki/tls/cacert.pem",                            // OpenELEC
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // CentOS, RHEL 7
      "/etc/ssl/cert.pem",                                  // Alpine
  };
  places.folders = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
  if (std::string file = Variable("SSL_CERT_FILE"); !file.empty()) places.files = {std::move(file)};
  if (const std::string list = Variable("SSL_CERT_DIR"); !list.empty())
    places.folders = Split(list);
  return places;
}

SystemRoots ReadSystemRoots(const SystemRootPlaces& places) {
  SystemRoots roots;
  for (const std::string& file : places.files) {
    if (Take(file, roots)) break;
  }
  for (const std::string& folder : places.folders) {
    std::error_code ec;
    for (std::filesystem::directory_iterator entry(folder, ec), end; !ec && entry != end;
         entry.increment(ec)) {
      std::error_code ignored;
      if (!LinksToNeighbour(*entry) && entry->is_regular_file(ignored)) {
        Take(entry->path().string(), roots);
      }
    }
  }
  return roots;
}

}  // namespace downwardfs::client
