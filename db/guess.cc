#include "db/guess.h"

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/field_header.h"

namespace coffer::db {
namespace {

using Words = std::vector<std::string>;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }

// "userEmail", "USER_EMAIL" and "user-email" are all "user", "email".
Words WordsOf(std::string_view name) {
  Words words;
  char before = 0;
  for (const char c : name) {
    const bool part = IsLetter(c) || IsDigit(c);
    const bool starts = words.empty() || !(IsLetter(before) || IsDigit(before)) || (IsUpper(c) && IsLower(before));
    if (part && starts) words.emplace_back();
    if (part) words.back() += IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    before = c;
  }
  return words;
}

// Names of one or two words, in any place of the name: "user_email", "email2", "e_mail".
struct Rule {
  std::string_view words;
  Content content;
};
constexpr std::array kRules = {
    Rule{"password hash", Content::kPasswordHash},
    Rule{"password digest", Content::kPasswordHash},
    Rule{"passwd hash", Content::kPasswordHash},
    Rule{"pass hash", Content::kPasswordHash},
    Rule{"crypted password", Content::kPasswordHash},
    Rule{"encrypted password", Content::kPasswordHash},
    Rule{"hashed password", Content::kPasswordHash},
    Rule{"token hash", Content::kPasswordHash},
    Rule{"token digest", Content::kPasswordHash},
    Rule{"key hash", Content::kPasswordHash},
    Rule{"secret hash", Content::kPasswordHash},
    Rule{"password", Content::kPassword},
    Rule{"passwd", Content::kPassword},
    Rule{"pwd", Content::kPassword},
    Rule{"passphrase", Content::kPassword},
    Rule{"passwort", Content::kPassword},
    Rule{"pin", Content::kPassword},
    Rule{"api key", Content::kApiKey},
    Rule{"apikey", Content::kApiKey},
    Rule{"access key", Content::kApiKey},
    Rule{"secret key", Content::kApiKey},
    Rule{"auth key", Content::kApiKey},
    Rule{"license key", Content::kApiKey},
    Rule{"private key", Content::kPrivateKey},
    Rule{"privkey", Content::kPrivateKey},
    Rule{"ssh key", Content::kPrivateKey},
    Rule{"signing key", Content::kPrivateKey},
    Rule{"encryption key", Content::kPrivateKey},
    Rule{"token", Content::kToken},
    Rule{"jwt", Content::kToken},
    Rule{"bearer", Content::kToken},
    Rule{"session key", Content::kToken},
    Rule{"otp", Content::kSecret},
    Rule{"totp", Content::kSecret},
    Rule{"mfa", Content::kSecret},
    Rule{"secret", Content::kSecret},
    Rule{"credential", Content::kSecret},
    Rule{"credentials", Content::kSecret},
    Rule{"webhook url", Content::kSecret},
    Rule{"dsn", Content::kSecret},
    Rule{"connection string", Content::kSecret},
    Rule{"recovery code", Content::kSecret},
    Rule{"recovery codes", Content::kSecret},
    Rule{"backup codes", Content::kSecret},
    Rule{"email", Content::kEmail},
    Rule{"e mail", Content::kEmail},
    Rule{"mail", Content::kEmail},
    Rule{"phone", Content::kPhone},
    Rule{"telephone", Content::kPhone},
    Rule{"mobile", Content::kPhone},
    Rule{"msisdn", Content::kPhone},
    Rule{"fax", Content::kPhone},
    Rule{"telefon", Content::kPhone},
    Rule{"first name", Content::kPersonName},
    Rule{"last name", Content::kPersonName},
    Rule{"firstname", Content::kPersonName},
    Rule{"lastname", Content::kPersonName},
    Rule{"full name", Content::kPersonName},
    Rule{"fullname", Content::kPersonName},
    Rule{"surname", Content::kPersonName},
    Rule{"given name", Content::kPersonName},
    Rule{"family name", Content::kPersonName},
    Rule{"middle name", Content::kPersonName},
    Rule{"maiden name", Content::kPersonName},
    Rule{"street", Content::kAddress},
    Rule{"postcode", Content::kAddress},
    Rule{"zipcode", Content::kAddress},
    Rule{"zip", Content::kAddress},
    Rule{"postal code", Content::kAddress},
    Rule{"birth date", Content::kBirthDate},
    Rule{"birthdate", Content::kBirthDate},
    Rule{"birthday", Content::kBirthDate},
    Rule{"dob", Content::kBirthDate},
    Rule{"date of birth", Content::kBirthDate},
    Rule{"ssn", Content::kNationalId},
    Rule{"social security", Content::kNationalId},
    Rule{"national id", Content::kNationalId},
    Rule{"passport", Content::kNationalId},
    Rule{"tax id", Content::kNationalId},
    Rule{"tin", Content::kNationalId},
    Rule{"nin", Content::kNationalId},
    Rule{"drivers license", Content::kNationalId},
    Rule{"iban", Content::kBankAccount},
    Rule{"bic", Content::kBankAccount},
    Rule{"account number", Content::kBankAccount},
    Rule{"bank account", Content::kBankAccount},
    Rule{"sort code", Content::kBankAccount},
    Rule{"routing number", Content::kBankAccount},
    Rule{"card number", Content::kCard},
    Rule{"credit card", Content::kCard},
    Rule{"cvv", Content::kCard},
    Rule{"cvc", Content::kCard},
    Rule{"pan", Content::kCard},
    Rule{"diagnosis", Content::kHealth},
    Rule{"medical", Content::kHealth},
    Rule{"blood type", Content::kHealth},
    Rule{"ip address", Content::kNetworkAddress},
    Rule{"remote addr", Content::kNetworkAddress},
    Rule{"client ip", Content::kNetworkAddress},
    Rule{"last ip", Content::kNetworkAddress},
    Rule{"address", Content::kAddress},
};

// Behind such a word a name is about the thing, and not the thing: "email_verified_at", "token_id", "password_changed".
constexpr std::array<std::string_view, 32> kAbout = {
    "id",     "ids",    "at",      "on",     "by",     "count", "type",    "kind",   "verified", "confirmed", "expires",
    "expiry", "valid",  "enabled", "active", "status", "sent",  "changed", "reset",  "created",  "updated",   "version",
    "length", "policy", "field",   "prefix", "name",   "iv",    "scopes",  "number", "salt",     "hint"};

bool MatchesAt(const Words& words, std::size_t at, std::string_view rule) {
  while (!rule.empty()) {
    const std::size_t space = rule.find(' ');
    const std::string_view word = rule.substr(0, space);
    if (at == words.size()) return false;
    std::string_view own = words[at];
    while (!own.empty() && IsDigit(own.back()) && own != word) own.remove_suffix(1);
    const bool plural = own.size() == word.size() + 1 && own.starts_with(word) && own.back() == 's';
    if (own != word && !plural) return false;
    ++at;
    rule = space == rule.npos ? std::string_view() : rule.substr(space + 1);
  }
  return true;
}

// Where the rule's words end in the name; nothing where they are not in it.
std::optional<std::size_t> EndOf(const Words& words, std::string_view rule) {
  const auto parts = static_cast<std::size_t>(std::count(rule.begin(), rule.end(), ' ') + 1);
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (MatchesAt(words, at, rule)) return at + parts;
  }
  return std::nullopt;
}

bool Contains(std::span<const std::string_view> list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool HoldsText(const SchemaColumn& column) {
  static constexpr std::array<std::string_view, 13> kTexts = {"text",   "varchar", "name",  "citext", "bytea",
                                                              "json",   "jsonb",   "array", "blob",   "xml",
                                                              "hstore", "numeric", "bpchar"};
  return Contains(kTexts, column.base_type);
}

// Dates of birth, numbers of accounts and addresses of networks have types of their own.
bool Fits(Content content, const SchemaColumn& column) {
  const std::string& type = column.base_type;
  if (HoldsText(column)) return true;
  switch (content) {
    case Content::kBirthDate:
      return type == "date" || type.starts_with("timestamp") || type == "integer" || type == "real";
    case Content::kNetworkAddress:
      return type == "inet" || type == "cidr" || type == "int8" || type == "integer";
    case Content::kNationalId:
    case Content::kBankAccount:
    case Content::kCard:
    case Content::kPhone:
    case Content::kPassword:
      return type == "int4" || type == "int8" || type == "integer";
    case Content::kToken:
    case Content::kApiKey:
      return type == "uuid";
    default:
      return false;
  }
}

bool IsOurs(const SchemaTable& table, const SchemaColumn& column) {
  return column.base_type == "ciphertext" || column.name.ends_with("_iv") || table.Find(column.name + "_iv") != nullptr;
}

constexpr std::array<std::string_view, 20> kPayloads = {
    "old",  "new",      "row",    "data",    "before", "after",  "changes",  "changeset", "payload", "details",
    "diff", "snapshot", "object", "objects", "body",   "record", "original", "rowdata",   "values",  "query"};

std::optional<Content> GuessOfHistory(const SchemaTable& table, const Words& words, const SchemaColumn& column) {
  const bool holds = column.base_type == "json" || column.base_type == "jsonb" || column.base_type == "hstore" ||
                     column.base_type == "text" || column.base_type == "xml" || column.base_type == "bytea";
  if (!holds || !IsHistory(table.name.table)) return std::nullopt;
  const bool is_payload =
      std::any_of(words.begin(), words.end(), [](const std::string& word) { return Contains(kPayloads, word); });
  return is_payload ? std::optional(Content::kRowCopy) : std::nullopt;
}

}  // namespace

std::string_view ContentName(Content content) {
  switch (content) {
    case Content::kPassword:
      return "password";
    case Content::kPasswordHash:
      return "one-way hash";
    case Content::kToken:
      return "token";
    case Content::kApiKey:
      return "API key";
    case Content::kPrivateKey:
      return "private key";
    case Content::kSecret:
      return "secret";
    case Content::kEmail:
      return "e-mail address";
    case Content::kPhone:
      return "telephone number";
    case Content::kPersonName:
      return "person's name";
    case Content::kAddress:
      return "postal address";
    case Content::kBirthDate:
      return "date of birth";
    case Content::kNationalId:
      return "national id";
    case Content::kBankAccount:
      return "bank account";
    case Content::kCard:
      return "payment card";
    case Content::kHealth:
      return "health";
    case Content::kNetworkAddress:
      return "network address";
    case Content::kRowCopy:
      break;
  }
  return "copy of rows";
}

bool IsSecretContent(Content content) { return content <= Content::kSecret && content != Content::kPasswordHash; }

bool IsPersonalContent(Content content) { return content >= Content::kEmail && content <= Content::kNetworkAddress; }

std::optional<Content> GuessByName(const SchemaTable& table, const SchemaColumn& column) {
  if (IsOurs(table, column)) return std::nullopt;
  const Words words = WordsOf(column.name);
  for (const Rule& rule : kRules) {
    const std::optional<std::size_t> end = EndOf(words, rule.words);
    if (!end || !Fits(rule.content, column)) continue;
    const bool is_about = std::any_of(words.begin() + static_cast<std::ptrdiff_t>(*end), words.end(),
                                      [](const std::string& word) { return Contains(kAbout, word); });
    if (is_about) continue;
    return rule.content;
  }
  return GuessOfHistory(table, words, column);
}

bool IsHistory(std::string_view table) {
  static constexpr std::array<std::string_view, 20> kWords = {
      "history", "hist", "audit", "audits",   "archive", "archived", "versions", "version", "backup",  "bak",
      "old",     "log",  "logs",  "revision", "trail",   "journal",  "logged",   "shadow",  "deleted", "outbox"};
  const Words words = WordsOf(table);
  return std::any_of(words.begin(), words.end(), [](const std::string& word) { return Contains(kWords, word); }) ||
         FoldedName(table).starts_with("historical");
}

const SchemaTable* HistoryOf(const Schema& schema, const SchemaTable& history) {
  if (!IsHistory(history.name.table)) return nullptr;
  const std::string name = FoldedName(history.name.table);
  const SchemaTable* longest = nullptr;
  for (const SchemaTable& table : schema.tables) {
    const std::string other = FoldedName(table.name.table);
    const bool is_part = &table != &history && other.size() >= 3 && name.find(other) != name.npos;
    if (!is_part || IsHistory(table.name.table)) continue;
    if (longest == nullptr || other.size() > longest->name.table.size()) longest = &table;
  }
  return longest;
}

bool IsNeighbour(std::string_view column) {
  static constexpr std::array<std::string_view, 22> kWords = {
      "url",      "uri",     "host",     "hostname", "endpoint", "server", "domain", "port",
      "login",    "user",    "username", "account",  "audience", "issuer", "bucket", "provider",
      "database", "address", "callback", "webhook",  "region",   "client"};
  const Words words = WordsOf(column);
  return !words.empty() && words.back() != "at" && words.back() != "count" &&
         std::any_of(words.begin(), words.end(), [](const std::string& word) { return Contains(kWords, word); });
}

namespace {

bool LooksLikeEmail(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != text.npos && at > 0 && text.size() <= 254 && text.rfind('@') == at && text.find(' ') == text.npos &&
         text.find('.', at) != text.npos;
}

std::size_t Digits(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), IsDigit));
}

bool LooksLikePhone(std::string_view text) {
  const bool harmless = std::all_of(text.begin(), text.end(), [](char c) {
    return IsDigit(c) || std::string_view("+()-/. ").find(c) != std::string_view::npos;
  });
  const bool marked = text.starts_with('+') || text.starts_with("00") || text.starts_with('(');
  return harmless && marked && Digits(text) >= 7 && Digits(text) <= 15;
}

// ISO 13616: the letters as numbers, the first four characters last, modulo 97 is 1.
bool LooksLikeIban(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != ' ') plain += c;
  }
  if (plain.size() < 15 || plain.size() > 34 || !IsUpper(plain[0]) || !IsUpper(plain[1])) return false;
  std::rotate(plain.begin(), plain.begin() + 4, plain.end());
  unsigned rest = 0;
  for (const char c : plain) {
    if (!IsDigit(c) && !IsUpper(c)) return false;
    rest = IsDigit(c) ? (rest * 10 + static_cast<unsigned>(c - '0')) % 97
                      : (rest * 100 + static_cast<unsigned>(c - 'A') + 10) % 97;
  }
  return rest == 1;
}

// ISO/IEC 7812: Luhn's sum.
bool LooksLikeCard(std::string_view text) {
  unsigned sum = 0;
  std::size_t count = 0;
  for (auto c = text.rbegin(); c != text.rend(); ++c) {
    if (*c == ' ' || *c == '-') continue;
    if (!IsDigit(*c)) return false;
    unsigned digit = static_cast<unsigned>(*c - '0') * (count % 2 == 1 ? 2U : 1U);
    if (digit > 9) digit -= 9;
    sum += digit;
    ++count;
  }
  return count >= 13 && count <= 19 && sum % 10 == 0;
}

bool LooksLikePrivateKey(std::string_view text) {
  return text.starts_with("-----BEGIN ") && text.find("PRIVATE KEY-----") != text.npos;
}

// The beginnings that providers give theirs, and JSON Web Tokens.
bool LooksLikeToken(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kBeginnings = {
      "eyJ", "ghp_", "gho_", "github_pat_", "glpat-", "glsa_", "AKIA", "xoxb-", "xoxp-", "sk_live_", "sk-", "AIza"};
  return text.size() >= 16 && text.find(' ') == text.npos &&
         std::any_of(kBeginnings.begin(), kBeginnings.end(), [text](auto one) { return text.starts_with(one); });
}

bool LooksLikeHash(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kBeginnings = {"$2a$",   "$2b$", "$2y$", "$argon2", "$scrypt$",
                                                                  "pbkdf2", "$6$",  "$5$",  "{SSHA}"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(), [text](auto one) { return text.starts_with(one); });
}

struct Form {
  Content content;
  bool (*matches)(std::string_view);
};
constexpr std::array<Form, 7> kKnownForms = {{{Content::kEmail, LooksLikeEmail},
                                              {Content::kPhone, LooksLikePhone},
                                              {Content::kBankAccount, LooksLikeIban},
                                              {Content::kCard, LooksLikeCard},
                                              {Content::kPrivateKey, LooksLikePrivateKey},
                                              {Content::kToken, LooksLikeToken},
                                              {Content::kPasswordHash, LooksLikeHash}}};

}  // namespace

void FormCounter::Add(ByteView value) {
  ++seen_;
  if (value.size() > 65'536 || IsFieldCiphertext(value)) return;
  const std::string_view text = AsText(value);
  for (std::size_t i = 0; i < kKnownForms.size(); ++i) {
    if (!kKnownForms[i].matches(text)) continue;
    ++counts_[i];
    return;
  }
}

std::optional<Content> FormCounter::Guess() const {
  constexpr std::uint64_t kLeast = 5;
  if (seen_ < kLeast) return std::nullopt;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] * 2 >= seen_) return kKnownForms[i].content;
  }
  return std::nullopt;
}

}  // namespace coffer::db
