// SPDX-License-Identifier: Apache-2.0
#include "client/api/resource.h"

#include "base/text.h"
#include "client/http/request_target.h"

namespace downwardfs::client {

std::string ResourcePath::UrlPath() const {
  std::string path = group.empty() ? "/api/" : "/apis/" + UrlEscape(group) + "/";
  path += UrlEscape(version);
  if (!ns.empty()) path += "/namespaces/" + UrlEscape(ns);
  path += "/" + UrlEscape(resource);
  if (!name.empty()) path += "/" + UrlEscape(name);
  if (!subresource.empty()) path += "/" + UrlEscape(subresource);
  return path;
}

std::string ResourcePath::Describe() const {
  std::string text = resource;
  if (!subresource.empty()) text += "/" + subresource;
  if (!group.empty()) text += "." + group;
  if (!name.empty()) text += " " + QuoteForMessage(name);
  if (!ns.empty()) text += " in namespace " + QuoteForMessage(ns);
  return text;
}

std::string WithQuery(std::string path, const QueryParameters& parameters) {
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    path += separator + name + "=" + UrlEscape(value);
    separator = '&';
  }
  return path;
}

}  // namespace downwardfs::client
