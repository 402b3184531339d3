#include "plugins/grafana/securevalues/exchange_clients.h"

#include <algorithm>

#include "plugins/grafana/securevalues/secure_value.h"

namespace coffer::grafana {
namespace {

Error Bad(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

// Takes the first word off.
std::string_view NextWord(std::string_view& line) {
  constexpr std::string_view kBlank = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, std::min(line.find_first_of(kBlank), line.size()));
  line.remove_prefix(word.size());
  return word;
}

Result<std::vector<std::string>> ReadNamespaces(std::string_view list) {
  std::vector<std::string> namespaces;
  if (list == kAllNamespaces) return std::vector<std::string>{std::string(list)};
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    COFFER_ASSIGN_OR_RETURN(std::string one, CanonicalNamespace(list.substr(0, comma)));
    namespaces.push_back(std::move(one));
    if (comma == list.size()) return namespaces;
    list.remove_prefix(comma + 1);
  }
}

Result<ExchangeClient> ReadLine(std::string_view line) {
  ExchangeClient client;
  client.identity = NextWord(line);
  if (!IsIdentity(client.identity)) return Bad("the identity is not 1 to 63 of [a-z0-9.-] between letters or digits");
  const auto hash = FromHex(NextWord(line));
  if (!hash.ok() || hash->size() != client.token_hash.size()) {
    return Bad("the hash of the token is not 64 hex digits");
  }
  std::copy(hash->begin(), hash->end(), client.token_hash.begin());
  const std::string_view list = NextWord(line);
  if (list.empty()) return Bad("there are no namespaces, or * for all");
  COFFER_ASSIGN_OR_RETURN(client.namespaces, ReadNamespaces(list));
  if (!NextWord(line).empty()) return Bad("there is more than identity, hash and namespaces with commas");
  return client;
}

}  // namespace

bool ExchangeClient::MayHave(std::string_view namespace_name) const {
  return namespaces.front() == kAllNamespaces ||
         std::find(namespaces.begin(), namespaces.end(), namespace_name) != namespaces.end();
}

Result<ExchangeClients> ExchangeClients::Parse(std::string_view text) {
  if (text.size() > kMaxExchangeClientsText) {
    return Bad("is longer than allowed, in bytes").WithLimit(kMaxExchangeClientsText);
  }
  ExchangeClients parsed;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::string_view first = line;
    first = NextWord(first);
    if (first.empty() || first.starts_with('#')) continue;
    auto client = ReadLine(line);
    if (!client.ok()) return std::move(client).error().AtLine(number);
    const auto has_token = [&client](const ExchangeClient& other) { return other.token_hash == client->token_hash; };
    if (std::any_of(parsed.clients_.begin(), parsed.clients_.end(), has_token)) {
      return Bad("this token is on another line too").AtLine(number);
    }
    if (parsed.clients_.size() == kMaxExchangeClients) {
      return Bad("there are more lines than allowed").AtLine(number).WithLimit(kMaxExchangeClients);
    }
    parsed.clients_.push_back(std::move(client).value());
  }
  return parsed;
}

const ExchangeClient* ExchangeClients::Find(std::string_view token) const {
  if (token.size() < kMinExchangeToken || token.size() > kMaxExchangeToken) return nullptr;
  const Digest hash = Sha256({AsBytes(token)});
  const ExchangeClient* found = nullptr;
  for (const ExchangeClient& client : clients_) {
    if (EqualConstantTime(client.token_hash, hash)) found = &client;
  }
  return found;
}

}  // namespace coffer::grafana
