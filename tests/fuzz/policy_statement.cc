// What persons and the offline key sign: what parses is written the same again, is of one kind, and has no line that
// its facts do not say.
#include <cstdint>

#include "policy/signed_statements.h"

namespace policy = coffer::policy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = coffer::AsText(std::as_bytes(std::span(data, size)));
  const auto of_policy = policy::PolicyStatement::Parse(text);
  const auto of_act = policy::ApprovalStatement::Parse(text);
  const auto of_emergency = policy::BreakGlassStatement::Parse(text);
  COFFER_CHECK((of_policy.ok() ? 1 : 0) + (of_act.ok() ? 1 : 0) + (of_emergency.ok() ? 1 : 0) <= 1);
  if (of_emergency.ok()) COFFER_CHECK(of_emergency->ToText() == text);
  if (of_policy.ok()) COFFER_CHECK(of_policy->ToText() == text);
  if (of_act.ok()) {
    COFFER_CHECK(*of_act->ToText() == text);
    std::size_t lines = 0;
    for (const char c : text) lines += c == '\n' ? 1 : 0;
    COFFER_CHECK(lines == 9 + of_act->facts.lines().size());
  }
  // Whatever becomes a fact is one line.
  if (size <= policy::kMaxFactValue) {
    policy::ActFacts facts;
    facts.Add("value", text);
    COFFER_CHECK(facts.lines().front().second.find('\n') == std::string::npos);
  }
  return 0;
}
