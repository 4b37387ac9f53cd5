// SPDX-License-Identifier: Apache-2.0
#include "cli/caller.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/process.h"

namespace downwardfs {
namespace {

// Lists of paths, as the shell's PATH is one.
constexpr std::array kPathVariables = {"KUBECONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR"};

std::vector<std::string*> PathsOf(MountOptions& options) {
  SourceOptions& source = options.source;
  return {&source.pod_file,          &source.node_file,       &source.server.kubeconfig,
          &source.server.token_file, &source.server.ca_file,  &options.what.items_file,
          &options.log.file,         &options.mount_namespace};
}

bool IsRelative(std::string_view path) {
  return !path.empty() && path != "-" && path.front() != '/';
}

// Makes `path` absolute.
Status Resolve(std::string& path, std::string& directory) {
  if (!IsRelative(path)) return {};
  if (directory.empty()) {
    std::error_code error;
    directory = std::filesystem::current_path(error).string();
    if (error) return Fail(ErrnoError(error.value(), path + ": the working directory"));
  }
  path = (std::filesystem::path(directory) / path).string();
  return {};
}

std::vector<std::string> PathsOf(const char* variable) {
  const char* const value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  std::vector<std::string> paths;
  if (value == nullptr) return paths;
  std::string_view rest = value;
  for (auto colon = rest.find(':'); colon != std::string_view::npos; colon = rest.find(':')) {
    paths.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(colon + 1);
  }
  paths.emplace_back(rest);
  return paths;
}

Status ResolveVariable(const char* name, std::string& directory) {
  std::string resolved;
  bool changed = false;
  for (std::string& path : PathsOf(name)) {
    changed |= IsRelative(path);
    if (auto done = Resolve(path, directory); !done) return Fail(std::move(done.error()), name);
    if (!resolved.empty()) resolved += ':';
    resolved += path;
  }
  if (changed) setenv(name, resolved.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  return {};
}

int DescriptorOf(std::string_view path) {
  for (const std::string_view prefix : {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"}) {
    if (path.substr(0, prefix.size()) != prefix) continue;
    path.remove_prefix(prefix.size());
    int fd = -1;
    const auto end = std::from_chars(path.data(), path.data() + path.size(), fd);
    return end.ec == std::errc() && end.ptr == path.data() + path.size() ? fd : -1;
  }
  return -1;
}

}  // namespace

Status ResolveInputs(MountOptions& options) {
  for (std::string* const path : PathsOf(options)) {
    if (auto done = Resolve(*path, options.directory); !done) return done;
  }
  for (const char* const name : kPathVariables) {
    if (auto done = ResolveVariable(name, options.directory); !done) return done;
  }
  // In another mount namespace the caller's directory may not exist: as setns(2), from its root.
  std::string root = "/";
  return Resolve(options.mount_point, options.mount_namespace.empty() ? options.directory : root);
}

void LeaveCaller(const MountOptions& options) {
  CloseAllBut(InputDescriptors(options));
  // Only a process without any right to the root directory stays where it is.
  static_cast<void>(chdir("/") == 0);
}

std::vector<int> InputDescriptors(const MountOptions& options) {
  std::vector<int> fds;
  const auto add = [&fds](const std::string& path) {
    const int fd = DescriptorOf(path);
    if (fd > STDERR_FILENO) fds.push_back(fd);
  };
  MountOptions copy = options;
  for (const std::string* const path : PathsOf(copy)) add(*path);
  for (const char* const name : kPathVariables) {
    for (const std::string& path : PathsOf(name)) add(path);
  }
  return fds;
}

std::vector<std::string> InputPaths(const MountOptions& options) {
  MountOptions copy = options;
  copy.mount_namespace.clear();
  std::vector<std::string> paths;
  for (std::string* const path : PathsOf(copy)) {
    if (!path->empty()) paths.push_back(std::move(*path));
  }
  return paths;
}

bool IsDescriptor(const std::string& path) {
  return path == "/dev/stdin" || DescriptorOf(path) >= 0;
}

void CloseInputDescriptors(const MountOptions& options) {
  for (const int fd : InputDescriptors(options)) close(fd);
}

}  // namespace downwardfs
