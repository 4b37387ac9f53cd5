// SPDX-License-Identifier: Apache-2.0
// The answers of the API server double.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/fakes/fake_api_parts.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs {

using namespace fake_api;

namespace {

std::string Quoted(const std::string& text) {
  return "\"" + text + "\"";
}

constexpr char kExpiredText[] = "too old resource version";

}  // namespace

std::string FakeApiServer::Render(const std::string& resource, const Stored& object) const {
  if (!object.members.whole.empty()) return object.members.whole;
  std::string json = R"({"kind":")" + std::string(KindOf(resource)) +
                     R"(","apiVersion":"v1","metadata":{"name":)" + Quoted(object.name);
  if (!object.ns.empty()) json += R"(,"namespace":)" + Quoted(object.ns);
  json += R"(,"uid":)" + Quoted(object.uid) + R"(,"resourceVersion":")" +
          std::to_string(object.version) + R"(","labels":{"tick":)" + Quoted(object.label) +
          "},\"annotations\":{\"note\":\"caf\xc3\xa9 \\u2603\"";
  if (options_.object_padding > 0) {
    json += R"(,"padding":")" + std::string(options_.object_padding, 'x') + '"';
  }
  json += R"(},"managedFields":[{"manager":"test","fieldsV1":{"f:metadata":{}}}]},"spec":{)";
  if (!object.node.empty()) json += R"("nodeName":)" + Quoted(object.node);
  const Members& members = object.members;
  if (!object.node.empty() && !members.spec.empty()) json += ',';
  json += members.spec + '}';
  return json + (members.more.empty() ? R"(,"status":{}})" : ',' + members.more + '}');
}

bool FakeApiServer::Refuse(HttpConnection& http, int code, const std::string& reason,
                           const std::string& message, const std::string& extra) {
  const std::string body =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
      message + R"(","reason":")" + reason + R"(","details":{)" +
      (reason == "Timeout" ? R"("causes":[{"reason":"ResourceVersionTooLarge","message":"x"}])"
                           : "") +
      R"(},"code":)" + std::to_string(code) + "}";
  return http.Respond(code, "application/json", body, extra);
}

void FakeApiServer::Serve(Connection& connection) {
  if (connection.http->Handshake()) {
    while (auto request = connection.http->Read()) {
      if (!Answer(connection, *request)) break;
    }
  }
  connection.http->Shut();
  const MutexLock lock(mutex_);
  connection.over = true;
}

bool FakeApiServer::Answer(Connection& connection, const ServedRequest& request) {
  HttpConnection& http = *connection.http;
  std::vector<std::string> parts;
  for (std::size_t at = 1; at < request.path.size();) {
    const std::size_t end = std::min(request.path.find('/', at), request.path.size());
    parts.push_back(request.path.substr(at, end - at));
    at = end + 1;
  }
  std::string ns, resource, name;
  if (parts.size() >= 3 && parts[0] == "api" && parts[1] == "v1") {
    std::size_t at = 2;
    if (parts[2] == "namespaces" && parts.size() >= 5) {
      ns = parts[3];
      at = 4;
    }
    resource = parts[at];
    if (parts.size() > at + 1) name = parts[at + 1];
  } else if (request.path == "/apis/authorization.k8s.io/v1/subjectaccessreviews") {
    resource = "subjectaccessreviews";
  } else if (parts.size() == 5 && request.path.starts_with("/apis/storage.k8s.io/v1/")) {
    resource = parts[3];
    name = parts[4];
  }
  std::string verb = request.method == "POST"     ? "create"
                     : request.method == "PATCH"  ? "patch"
                     : request.method == "DELETE" ? "delete"
                                                  : "get";
  if (verb == "get" && !resource.empty() && name.empty()) {
    verb = Parameter(request, "watch") == "true" ? "watch" : "list";
  }
  ServerFault fault;
  bool has_fault = false;
  bool authorized = true;
  bool forbidden = false;
  {
    const MutexLock lock(mutex_);
    std::string line = verb + " " + request.path;
    char mark = '?';
    for (const auto& [key, value] : request.query) {
      line += mark + key + "=" + value;
      mark = '&';
    }
    requests_.push_back(std::move(line));
    last_headers_ = request.headers;
    last_headers_[":client"] = http.ClientName();
    changed_.NotifyAll();
    const auto header = request.headers.find("authorization");
    authorized = options_.token.empty() ||
                 (header != request.headers.end() && header->second == "Bearer " + options_.token);
    forbidden = forbidden_.count(verb + " " + resource) > 0 ||
                forbidden_.count(verb + " " + resource + " " + ns) > 0;
    const auto found = std::find_if(faults_.begin(), faults_.end(), [&](const ServerFault& f) {
      return (f.verb.empty() || f.verb == verb || f.verb == verb + " " + resource) &&
             (f.kind != ServerFault::Kind::kStaleToken || request.query.count("continue") > 0);
    });
    if (authorized && found != faults_.end()) {
      fault = *found;
      has_fault = true;
      faults_.erase(found);
    }
  }
  if (!authorized) return Refuse(http, 401, "Unauthorized", "Unauthorized");
  if (forbidden) {
    return Refuse(
        http, 403, "Forbidden",
        resource + R"( is forbidden: User \"dev\" cannot )" + verb + R"( resource \")" + resource +
            R"(\" in API group \"\" )" +
            (ns.empty() ? "at the cluster scope" : R"(in the namespace \")" + ns + R"(\")"));
  }
  using Kind = ServerFault::Kind;
  const bool in_body =
      has_fault && (fault.kind == Kind::kBody || fault.kind == Kind::kOversized ||
                    fault.kind == Kind::kHalfUtf8 || fault.kind == Kind::kDuplicates ||
                    fault.kind == Kind::kExpiredEvent || fault.kind == Kind::kErrorEvent ||
                    fault.kind == Kind::kSamePage);
  if (has_fault && !in_body) return AnswerFault(http, fault, verb);
  if (resource.empty()) return Discover(http, request.path);
  const ServerFault* const body_fault = in_body ? &fault : nullptr;
  if (resource == "subjectaccessreviews") return Review(http, request);
  if (verb == "create") return Create(http, request, resource, ns);
  if (verb == "patch") return Patch(http, request, resource, ns + "/" + name);
  if (verb == "delete") return Remove(http, resource, ns + "/" + name);
  if (verb == "list") return List(http, request, resource, ns, body_fault);
  if (verb == "watch") return Watch(connection, request, resource, ns, body_fault);
  return Get(http, resource, ns + "/" + name);
}

bool FakeApiServer::AnswerFault(HttpConnection& http, const ServerFault& fault,
                                const std::string& verb) {
  using Kind = ServerFault::Kind;
  switch (fault.kind) {
    case Kind::kWrongType:
      return http.Respond(200, "text/html", "<html>welcome</html>");
    case Kind::kTooManyRequests:
      return Refuse(http, 429, "TooManyRequests", "slow down", "Retry-After: 1\r\n");
    case Kind::kServerError:
      return Refuse(http, 500, "InternalError", "etcd is away");
    case Kind::kUnavailable:
      return http.Respond(503, "text/plain", "no healthy upstream\n");
    case Kind::kExpired:
      return Refuse(http, 410, "Expired", kExpiredText);
    case Kind::kStaleToken:
      // With a token to go on in another state of the cluster, which no follower may use.
      return http.Respond(
          410, "application/json",
          R"({"kind":"Status","apiVersion":"v1","metadata":{"continue":"inconsistent"},)"
          R"("status":"Failure","message":"The provided continue parameter is too old",)"
          R"("reason":"Expired","code":410})");
    case Kind::kUnauthorized:
      return Refuse(http, 401, "Unauthorized", "Unauthorized");
    case Kind::kNoHead:
      http.WaitFor(-1);
      return false;
    case Kind::kRedirect:
      return http.Respond(307, "text/plain", verb, "Location: " + fault.text + "\r\n");
    default:
      return false;  // kClose
  }
}

bool FakeApiServer::Get(HttpConnection& http, const std::string& resource, const std::string& key) {
  std::string json;
  {
    const MutexLock lock(mutex_);
    const Objects& all = objects_[resource];
    const auto at = all.find(key);
    if (at != all.end()) json = at->second.json;
  }
  if (json.empty()) {
    return Refuse(http, 404, "NotFound",
                  resource + " \\\"" + key.substr(key.find('/') + 1) + "\\\" not found");
  }
  if (options_.gzip) {
    return http.Respond(200, "application/json", Gzip(json), kGzipHeader);
  }
  return http.Respond(200, "application/json", json);
}

bool FakeApiServer::List(HttpConnection& http, const ServedRequest& request,
                         const std::string& resource, const std::string& ns,
                         const ServerFault* fault) {
  const Selector selector(Parameter(request, "fieldSelector"));
  const std::string token = Parameter(request, "continue");
  std::vector<std::string> items;
  std::string next_token;
  std::string version;
  {
    const MutexLock lock(mutex_);
    version = std::to_string(version_);
    if (!token.empty()) {
      const auto at = pages_.find(token);
      if (at != pages_.end()) {
        items = at->second;
        version = token.substr(0, token.find('-'));
      } else {
        items.emplace_back();  // marks a token that is not known any more
      }
    } else if (Number(Parameter(request, "resourceVersion")) <= version_) {
      for (const auto& [key, object] : objects_[resource]) {
        if ((ns.empty() || object.ns == ns) && selector.Matches(object.name, object.node)) {
          items.push_back(object.json);
        }
      }
    } else {
      version.clear();
    }
    std::size_t page = Number(Parameter(request, "limit"));
    if (options_.page > 0 && page > 0) page = std::min(page, options_.page);
    if (page > 0 && items.size() > page) {
      next_token = version + "-" + std::to_string(pages_.size());
      pages_[next_token].assign(items.begin() + static_cast<std::ptrdiff_t>(page), items.end());
      items.resize(page);
    }
  }
  if (fault != nullptr && fault->kind == ServerFault::Kind::kSamePage && !token.empty()) {
    next_token = token;
  }
  if (version.empty()) return Refuse(http, 504, "Timeout", "Too large resource version");
  if (!items.empty() && items[0].empty()) return Refuse(http, 410, "Expired", kExpiredText);
  std::string body = R"({"kind":")" + std::string(KindOf(resource)) +
                     R"(List","apiVersion":"v1","metadata":{"resourceVersion":")" + version +
                     R"(","continue":")" + next_token + R"("},"items":[)";
  for (std::size_t i = 0; i < items.size(); ++i) body += (i > 0 ? "," : "") + items[i];
  BodyFault body_fault;
  if (fault != nullptr) body_fault = fault->body;
  if (fault != nullptr && fault->kind == ServerFault::Kind::kHalfUtf8) {
    body_fault = {BodyFault::Kind::kEnd, body.find('\xc3') + 1};
  }
  if (fault != nullptr && fault->kind == ServerFault::Kind::kOversized) {
    if (!items.empty()) body += ",";
    body += R"({"metadata":{"name":"huge","x":")" + std::string(std::size_t{1} << 20, 'x') + "\"}}";
  }
  body += "]}";
  const bool compressed = options_.compression && AcceptsGzip(request) && body.size() >= kGzipFrom;
  if (compressed) body = Gzip(body);
  if (!http.BeginChunks(body_fault, compressed ? kGzipHeader : "")) return false;
  for (std::size_t at = 0; at < body.size(); at += 8192) {
    if (!http.Chunk(std::string_view(body).substr(at, 8192))) return false;
  }
  return http.EndChunks();
}

bool FakeApiServer::Create(HttpConnection& http, const ServedRequest& request,
                           const std::string& resource, const std::string& ns) {
  const std::size_t at = request.body.find("\"name\":\"");
  if (at == std::string::npos) return Refuse(http, 422, "Invalid", "name is required");
  const std::string name = request.body.substr(at + 8, request.body.find('"', at + 8) - at - 8);
  std::string json;
  {
    const MutexLock lock(mutex_);
    if (objects_[resource].count(ns + "/" + name) == 0) {
      Stored object;
      object.ns = ns;
      object.name = name;
      Store(resource, object);
      json = objects_[resource][ns + "/" + name].json;
    }
  }
  if (json.empty()) {
    return Refuse(http, 409, "AlreadyExists", resource + " \\\"" + name + "\\\" already exists");
  }
  return http.Respond(201, "application/json", json);
}

bool FakeApiServer::Review(HttpConnection& http, const ServedRequest& request) {
  bool allowed = false;
  {
    const MutexLock lock(mutex_);
    last_review_ = request.body;
    const auto says = [&](const std::string& member, const std::string& value) {
      return request.body.find("\"" + member + "\":\"" + value + "\"") != std::string::npos;
    };
    for (const auto& [user, resource] : may_get_) {
      allowed = allowed || (says("user", user) && says("resource", resource));
    }
  }
  return http.Respond(201, "application/json",
                      std::string(R"({"kind":"SubjectAccessReview","status":{"allowed":)") +
                          (allowed ? "true" : "false") + "}}");
}

// JSON patch alone (RFC 6902).
bool FakeApiServer::Patch(HttpConnection& http, const ServedRequest& request,
                          const std::string& resource, const std::string& key) {
  const auto type = request.headers.find("content-type");
  if (type == request.headers.end() || type->second != "application/json-patch+json") {
    return Refuse(http, 415, "UnsupportedMediaType", "JSON patch alone is known here");
  }
  std::string json;
  {
    const MutexLock lock(mutex_);
    const auto at = objects_[resource].find(key);
    if (at != objects_[resource].end()) {
      try {
        auto changed =
            nlohmann::json::parse(at->second.json).patch(nlohmann::json::parse(request.body));
        changed["metadata"]["resourceVersion"] = std::to_string(version_ + 1);
        Stored object = at->second;
        object.members.whole = changed.dump();
        Store(resource, std::move(object));
        json = objects_[resource][key].json;
      } catch (const nlohmann::json::exception&) {  // a `test` that fails, too
      }
    }
  }
  if (json.empty()) return Refuse(http, 422, "Invalid", "the patch cannot be applied");
  return http.Respond(200, "application/json", json);
}

bool FakeApiServer::Remove(HttpConnection& http, const std::string& resource,
                           const std::string& key) {
  std::string json;
  {
    const MutexLock lock(mutex_);
    const auto at = objects_[resource].find(key);
    if (at != objects_[resource].end()) json = at->second.json;
    Erase(resource, key);
  }
  if (json.empty()) return Refuse(http, 404, "NotFound", "not found");
  return http.Respond(200, "application/json", json);
}

bool FakeApiServer::Discover(HttpConnection& http, const std::string& path) {
  if (path == "/api") {
    return http.Respond(200, "application/json", R"({"kind":"APIVersions","versions":["v1"]})");
  }
  if (path == "/apis") {
    return http.Respond(
        200, "application/json",
        R"({"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apps","versions":[)"
        R"({"groupVersion":"apps/v1beta1","version":"v1beta1"},{"groupVersion":"apps/v1","version":"v1"}],)"
        R"("preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]})");
  }
  if (path == "/api/v1") {
    return http.Respond(
        200, "application/json",
        R"({"kind":"APIResourceList","groupVersion":"v1","resources":[)"
        R"({"name":"pods","singularName":"","namespaced":true,"kind":"Pod","verbs":["create","delete","get","list","watch"]},)"
        R"({"name":"namespaces","singularName":"","namespaced":false,"kind":"Namespace","verbs":["get"]}]})");
  }
  if (path == "/version")
    return http.Respond(200, "application/json", R"({"gitVersion":"v1.20.2"})");
  return Refuse(http, 404, "NotFound", "the server could not find the requested resource");
}

}  // namespace downwardfs
