#include "tests/plugins/grafana/securevalues/replayed_grafana.h"

#include <arpa/inet.h>
#include <fstream>
#include <future>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <sstream>
#include <sys/socket.h>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <nlohmann/json.hpp>

#include "crypto/bytes.h"
#include "io/unique_fd.h"

namespace coffer::grafana {
namespace {

using nlohmann::json;

constexpr int kMaxAttempts = 3;
constexpr std::int64_t kCacheLeeway = 15;  // seconds
constexpr std::chrono::seconds kPatience{60};

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(slice.begin(), slice.end());
  return bytes;
}

std::shared_ptr<grpc::Channel> ChannelOf(const GrafanaIni& ini) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  if (!ini.grpc_server_use_tls) {
    return grpc::CreateCustomChannel(ini.grpc_server_address, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadAll(ini.apiservice_ca_bundle_file);
  if (!ini.proxy_client_cert_file.empty()) {
    tls.pem_cert_chain = ReadAll(ini.proxy_client_cert_file);
    tls.pem_private_key = ReadAll(ini.proxy_client_key_file);
  }
  if (!ini.grpc_server_tls_server_name.empty()) {
    arguments.SetSslTargetNameOverride(ini.grpc_server_tls_server_name);
  }
  return grpc::CreateCustomChannel(ini.grpc_server_address, grpc::SslCredentials(tls), arguments);
}

void AppendVarint(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out += static_cast<char>(number | 0x80U);
  out += static_cast<char>(number);
}

std::optional<std::uint64_t> TakeVarint(std::string_view& rest) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return number;
  }
  return std::nullopt;
}

// {api_group = 1, api_version = 2, kind = 3, namespace = 4, name = 5}; proto3 leaves empty ones out.
std::string WireOf(const Resource& owner) {
  std::string bytes;
  const std::vector<const std::string*> parts = {&owner.api_group, &owner.api_version, &owner.kind,
                                                 &owner.namespace_name, &owner.name};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i]->empty()) bytes += WireText(static_cast<int>(i) + 1, *parts[i]);
  }
  return bytes;
}

std::string OwnerAndNames(const Resource& owner, const std::vector<std::string>& names) {
  std::string bytes = WireText(1, WireOf(owner));
  for (const std::string& name : names) bytes += WireText(2, name);
  return bytes;
}

// map<string, Result> = 1 is entries {key = 1, value = 2}; Result is {value = 1} or {error_message = 2}.
std::map<std::string, ReplayedGrafana::Value> ValuesOf(const std::string& body) {
  std::map<std::string, ReplayedGrafana::Value> values;
  const auto fields = ReadWire(body);
  if (!fields) return values;
  for (const auto& [number, bytes] : *fields) {
    const auto entry = ReadWire(bytes);
    if (number != 1 || !entry) continue;
    std::string key;
    ReplayedGrafana::Value value;
    for (const auto& [part, text] : *entry) {
      if (part == 1) key = text;
      if (part != 2) continue;
      const auto result = ReadWire(text);
      if (!result) continue;
      for (const auto& [kind, content] : *result) (kind == 1 ? value.value : value.error) = content;
    }
    values[key] = value;
  }
  return values;
}

// Until the reply is whole, by its Content-Length.
std::string PostTo(int port, const std::string& message) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const void* const any = &address;
  if (connect(fd.get(), static_cast<const sockaddr*>(any), sizeof(address)) != 0) return "";
  if (send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size())) return "";
  std::string heard;
  for (std::array<char, 4096> buffer{};;) {
    const std::size_t end = heard.find("\r\n\r\n");
    const std::size_t length = heard.find("Content-Length: ");
    if (end != std::string::npos && length != std::string::npos &&
        heard.size() - end - 4 >= static_cast<std::size_t>(std::atoi(heard.c_str() + length + 16))) {
      return heard;
    }
    pollfd waited{fd.get(), POLLIN, 0};
    if (poll(&waited, 1, 20'000) <= 0) return heard;
    const ssize_t count = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return heard;
    heard.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

// Until when its client keeps a token; 0: not at all.
std::int64_t KeptUntil(const std::string& token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string::npos || last == first) return 0;
  const auto header = FromBase64Url(token.substr(0, first));
  const auto claims = FromBase64Url(token.substr(first + 1, last - first - 1));
  if (!header.ok() || !claims.ok()) return 0;
  if (json::parse(AsText(*header))["alg"] != "ES256") return 0;
  return json::parse(AsText(*claims))["exp"].get<std::int64_t>() - kCacheLeeway;
}

}  // namespace

std::string WireText(int number, const std::string& bytes) {
  std::string out;
  AppendVarint(out, static_cast<std::uint64_t>(number) << 3U | 2U);
  AppendVarint(out, bytes.size());
  return out + bytes;
}

std::optional<std::vector<std::pair<int, std::string>>> ReadWire(const std::string& bytes) {
  std::vector<std::pair<int, std::string>> fields;
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto key = TakeVarint(rest);
    const auto size = TakeVarint(rest);
    if (!key || !size || (*key & 7U) != 2 || *size > rest.size()) return std::nullopt;
    fields.emplace_back(static_cast<int>(*key >> 3U), std::string(rest.substr(0, *size)));
    rest.remove_prefix(*size);
  }
  return fields;
}

std::string DecryptRequestOf(const std::string& namespace_name, const std::vector<std::string>& names) {
  std::string request;
  if (!namespace_name.empty()) request += WireText(1, namespace_name);
  for (const std::string& name : names) request += WireText(2, name);
  return request;
}

ReplayedGrafana::ReplayedGrafana(GrafanaIni ini, const Clock& clock)
    : ini_(std::move(ini)), clock_(clock), channel_(ChannelOf(ini_)) {}

ReplayedGrafana::HttpAnswer ReplayedGrafana::Exchange(const std::string& namespace_name, const std::string& audience) {
  ++exchanges;
  const std::string body = R"({"namespace":")" + namespace_name + R"(","audiences":[")" + audience + R"("]})";
  const std::string heard = PostTo(ini_.token_exchange_port,
                                   "POST /v1/sign-access-token HTTP/1.1\r\n"
                                   "Host: 127.0.0.1:" +
                                       std::to_string(ini_.token_exchange_port) +
                                       "\r\n"
                                       "User-Agent: authlib-client\r\n"
                                       "Content-Length: " +
                                       std::to_string(body.size()) +
                                       "\r\n"
                                       "Accept: application/json\r\n"
                                       "Authorization: Bearer " +
                                       ini_.token +
                                       "\r\n"
                                       "Content-Type: application/json\r\n"
                                       "X-Org-Id: 0\r\n"
                                       "X-Realms: [{\"type\": \"system\", \"identifier\": \"system\"}]\r\n"
                                       "Accept-Encoding: gzip\r\n\r\n" +
                                       body);
  HttpAnswer answer;
  if (!heard.starts_with("HTTP/1.1 ")) return answer;
  answer.status = std::atoi(heard.c_str() + 9);
  answer.body = heard.substr(heard.find("\r\n\r\n") + 4);
  return answer;
}

std::string ReplayedGrafana::AccessTokenFor(const std::string& namespace_name) {
  const std::int64_t now = clock_.UnixMicros() / kMicrosPerSecond;
  const auto kept = cache_.find(namespace_name);
  if (kept != cache_.end() && now < kept->second.second) return kept->second.first;
  const HttpAnswer answer = Exchange(namespace_name, "secret.grafana.app");
  if (answer.status != 200) return "";
  std::string token = json::parse(answer.body)["data"]["token"];
  if (const std::int64_t until = KeptUntil(token); until > now) cache_[namespace_name] = {token, until};
  return token;
}

ReplayedGrafana::Answer ReplayedGrafana::CallOnce(const std::string& method, const std::string& request,
                                                  const std::vector<std::pair<std::string, std::string>>& metadata) {
  ++attempts;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  const grpc::Slice slice(request);
  grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  std::promise<grpc::Status> finished;
  grpc::GenericStub(channel_).UnaryCall(&context, method, {}, &sent, &received,
                                        [&finished](grpc::Status status) { finished.set_value(std::move(status)); });
  const grpc::Status status = finished.get_future().get();
  return {.code = status.error_code(), .message = status.error_message(), .body = BytesOf(received)};
}

ReplayedGrafana::Answer ReplayedGrafana::Call(const std::string& method, const std::string& namespace_name,
                                              const std::string& request, const std::string& service,
                                              int max_attempts) {
  // The token is exchanged once, outside of what is tried again.
  const std::string token = AccessTokenFor(namespace_name);
  if (token.empty()) return {.code = grpc::StatusCode::UNKNOWN, .message = "no access token", .body = ""};
  std::vector<std::pair<std::string, std::string>> metadata = {{"x-access-token", token}};
  if (!service.empty()) metadata.emplace_back("x-grafana-service-identity-name", service);
  for (int attempt = 1;; ++attempt) {
    Answer answer = CallOnce(method, request, metadata);
    const bool again =
        answer.code == grpc::StatusCode::RESOURCE_EXHAUSTED || answer.code == grpc::StatusCode::UNAVAILABLE;
    if (!again || attempt == max_attempts) return answer;
    before_retry();
  }
}

ReplayedGrafana::Decrypted ReplayedGrafana::Decrypt(const std::string& service, const std::string& namespace_name,
                                                    const std::vector<std::string>& names) {
  std::set<std::string> unique(names.begin(), names.end());
  unique.erase("");
  Decrypted decrypted;
  decrypted.code = grpc::StatusCode::OK;
  if (unique.empty()) return decrypted;
  const std::string request = DecryptRequestOf(namespace_name, {unique.begin(), unique.end()});
  static_cast<Answer&>(decrypted) = Call("/decrypt" + version + ".SecureValueDecrypter/DecryptSecureValues",
                                         namespace_name, request, service, kMaxAttempts);
  if (!decrypted.ok()) return decrypted;
  decrypted.values = ValuesOf(decrypted.body);
  std::erase_if(decrypted.values, [&unique](const auto& entry) { return !unique.contains(entry.first); });
  return decrypted;
}

ReplayedGrafana::Answer ReplayedGrafana::CanReference(const Resource& owner, const std::vector<std::string>& names) {
  return Call("/inline" + version + ".InlineSecureValueService/CanReference", owner.namespace_name,
              OwnerAndNames(owner, names), "", 1);
}

ReplayedGrafana::Created ReplayedGrafana::CreateInline(const Resource& owner, const std::string& value,
                                                       const std::string* description) {
  std::string request = WireText(1, WireOf(owner)) + WireText(2, value);
  if (description != nullptr) request += WireText(3, *description);
  Created created;
  static_cast<Answer&>(created) =
      Call("/inline" + version + ".InlineSecureValueService/CreateInline", owner.namespace_name, request, "", 1);
  const auto fields = ReadWire(created.body);
  if (created.ok() && fields && fields->size() == 1 && fields->front().first == 1) {
    created.name = fields->front().second;
  }
  return created;
}

ReplayedGrafana::Answer ReplayedGrafana::DeleteWhenOwnedByResource(const Resource& owner,
                                                                   const std::vector<std::string>& names) {
  return Call("/inline" + version + ".InlineSecureValueService/DeleteWhenOwnedByResource", owner.namespace_name,
              OwnerAndNames(owner, names), "", 1);
}

}  // namespace coffer::grafana
