#include "policy/signed_statements.h"

#include <algorithm>

#include "crypto/names.h"
#include "crypto/text_form.h"
#include "policy/declaration.h"
#include "policy/internal/date_time.h"
#include "policy/policy_text.h"
#include "policy/principal.h"

namespace coffer::policy {
namespace {

constexpr std::string_view kPolicyTitle = "coffer policy v1";
constexpr std::string_view kApprovalTitle = "coffer approval v1";
constexpr std::string_view kBreakGlassTitle = "coffer break-glass v1";
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::uint64_t kMaxSerial = (std::uint64_t{1} << 63U) - 1;

bool IsFactKey(std::string_view key) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !key.empty() && key.size() <= kMaxFactKey && std::all_of(key.begin(), key.end(), fits);
}

// Characters that all show, in pieces that IsReason takes.
bool IsFactValue(std::string_view value) {
  if (value.empty() || value.size() > kMaxFactValue || !IsUtf8(value)) return false;
  while (!value.empty()) {
    std::size_t size = std::min<std::size_t>(value.size(), kMaxReason);
    while (size < value.size() && (static_cast<unsigned char>(value[size]) & 0xC0U) == 0x80U) --size;
    if (!IsReason(value.substr(0, size))) return false;
    value.remove_prefix(size);
  }
  return true;
}

void AddLine(std::string& text, std::string_view key, std::string_view value) {
  text.append(key).append(" ").append(value).append("\n");
}

// Lines of a key and a value, in an order that is known. After the first failure every line is empty.
class StatementReader {
 public:
  StatementReader(std::string_view text, std::string_view title) : lines_(text) {
    failed_ = text.size() > kMaxStatementBytes || lines_.Next() != title;
  }

  std::string_view Value(std::string_view key) {
    const auto [found, value] = Line();
    if (found != key) failed_ = true;
    return failed_ ? std::string_view() : value;
  }
  template <typename Id>
  Id Uuid(std::string_view key) {
    const Result<Id> id = Id::Parse(Value(key));
    if (!id.ok()) failed_ = true;
    return id.ok() ? *id : Id{};
  }
  std::uint64_t Number(std::string_view key) {
    const Result<std::uint64_t> number = FromDecimal(Value(key), kMaxSerial);
    if (!number.ok()) failed_ = true;
    return number.ok() ? *number : 0;
  }
  std::int64_t Instant(std::string_view key) {
    std::string_view word = Value(key);
    const std::optional<std::int64_t> date = TakeDate(word);
    const bool apart = TakeCharacter(word, 'T');
    const std::optional<std::int64_t> time = TakeTime(word);
    if (!date || !apart || !time || word != "Z") failed_ = true;
    return failed_ ? 0 : *date + *time;
  }
  std::pair<std::string_view, std::string_view> Line() {
    const std::optional<std::string_view> line = failed_ ? std::nullopt : lines_.Next();
    const std::size_t space = line ? line->find(' ') : std::string_view::npos;
    if (space == std::string_view::npos) failed_ = true;
    if (failed_) return {};
    return {line->substr(0, space), line->substr(space + 1)};
  }

  bool AtEnd() const { return failed_ || lines_.rest().empty(); }
  bool failed() const { return failed_; }

 private:
  LineReader lines_;
  bool failed_ = false;
};

Error NoStatement(Literal what) { return Error(ErrorCode::kInvalidArgument, what); }

Digest TextDigest(std::string_view text) { return Sha256({AsBytes(text)}); }

}  // namespace

PolicyStatement PolicyStatement::Of(StoreUuid store, std::uint64_t serial, std::string_view policy_text) {
  return {.store = store, .serial = serial, .sha256 = TextDigest(policy_text)};
}

std::string PolicyStatement::ToText() const {
  std::string text = std::string(kPolicyTitle) + "\n";
  AddLine(text, "store", store.ToText());
  AddLine(text, "serial", std::to_string(serial));
  AddLine(text, "sha256", ToHex(sha256));
  return text;
}

Result<PolicyStatement> PolicyStatement::Parse(std::string_view text) {
  StatementReader in(text, kPolicyTitle);
  PolicyStatement statement;
  statement.store = in.Uuid<StoreUuid>("store");
  statement.serial = in.Number("serial");
  const Result<Bytes> digest = FromHex(in.Value("sha256"));
  if (!in.failed() && digest.ok() && digest->size() == statement.sha256.size()) {
    std::copy(digest->begin(), digest->end(), statement.sha256.begin());
    if (statement.ToText() == text) return statement;
  }
  return NoStatement("is no statement about a policy");
}

ActFacts& ActFacts::Add(std::string_view key, std::string_view value) {
  COFFER_CHECK(IsFactKey(key));
  std::string text(value);
  if (!IsFactValue(value)) text = std::string(kDigestPrefix) + ToHex(TextDigest(value));
  lines_.emplace_back(key, std::move(text));
  return *this;
}

ActFacts& ActFacts::Add(std::string_view key, std::uint64_t value) { return Add(key, std::to_string(value)); }

Result<std::string> ApprovalStatement::ToText() const {
  std::string text = std::string(kApprovalTitle) + "\n";
  AddLine(text, "store", store.ToText());
  AddLine(text, "approval", id.ToText());
  AddLine(text, "policy", std::to_string(policy_serial));
  AddLine(text, "rule", rule);
  AddLine(text, "requester", requester);
  AddLine(text, "until", InstantText(not_after_unix_s));
  AddLine(text, "reason", reason);
  AddLine(text, "operation", OperationName(operation));
  for (const auto& [key, value] : facts.lines()) AddLine(text, key, value);
  if (facts.lines().size() <= kMaxActFacts && text.size() <= kMaxStatementBytes) return text;
  return Error(ErrorCode::kInvalidArgument, "the act has more to it than an approval can hold: split it")
      .WithLimit(kMaxStatementBytes);
}

Result<ApprovalStatement> ApprovalStatement::Parse(std::string_view text) {
  StatementReader in(text, kApprovalTitle);
  ApprovalStatement statement;
  statement.store = in.Uuid<StoreUuid>("store");
  statement.id = in.Uuid<ApprovalUuid>("approval");
  statement.policy_serial = in.Number("policy");
  statement.rule = in.Value("rule");
  statement.requester = in.Value("requester");
  statement.not_after_unix_s = in.Instant("until");
  statement.reason = in.Value("reason");
  const std::optional<Operation> operation = ParseOperation(in.Value("operation"));
  bool fits = IsSlug(statement.rule) && ParsePrincipal(statement.requester).ok() && IsReason(statement.reason) &&
              operation.has_value();
  while (fits && !in.AtEnd()) {
    const auto [key, value] = in.Line();
    fits = !in.failed() && IsFactKey(key) && IsFactValue(value);
    if (fits) statement.facts.Add(key, value);
  }
  if (fits && !in.failed()) {
    statement.operation = *operation;
    const Result<std::string> again = statement.ToText();
    if (again.ok() && *again == text) return statement;
  }
  return NoStatement("is no statement about an act to approve");
}

std::string BreakGlassStatement::ToText() const {
  std::string text = std::string(kBreakGlassTitle) + "\n";
  AddLine(text, "store", store.ToText());
  AddLine(text, "id", id.ToText());
  AddLine(text, "policy", std::to_string(policy_serial));
  AddLine(text, "principal", principal);
  AddLine(text, "until", InstantText(not_after_unix_s));
  AddLine(text, "reason", reason);
  return text;
}

Result<BreakGlassStatement> BreakGlassStatement::Parse(std::string_view text) {
  StatementReader in(text, kBreakGlassTitle);
  BreakGlassStatement statement;
  statement.store = in.Uuid<StoreUuid>("store");
  statement.id = in.Uuid<ApprovalUuid>("id");
  statement.policy_serial = in.Number("policy");
  statement.principal = in.Value("principal");
  statement.not_after_unix_s = in.Instant("until");
  statement.reason = in.Value("reason");
  const bool fits = !in.failed() && ParsePrincipal(statement.principal).ok() && IsReason(statement.reason);
  if (fits && statement.ToText() == text) return statement;
  return NoStatement("is no statement about an emergency");
}

}  // namespace coffer::policy
