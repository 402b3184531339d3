#include "policy/internal/kubernetes_claims.h"

#include "policy/internal/strict_json.h"

namespace coffer::policy {
namespace {

using nlohmann::json;

Error Refused(Literal message) { return {ErrorCode::kUnauthenticated, message}; }

bool TakeName(const json& object, const char* member, std::string& out) {
  const std::string* const text = FindText(object, member);
  if (text == nullptr || !IsVisibleAscii(*text, kMaxJwtName)) return false;
  out = *text;
  return true;
}

bool TakeObject(const json* object, KubernetesClaims::Object& out) {
  return object != nullptr && object->is_object() && TakeName(*object, "name", out.name) &&
         TakeName(*object, "uid", out.uid);
}

}  // namespace

Result<std::optional<KubernetesClaims>> ReadKubernetesClaims(const json& claims) {
  const json* const member = FindMember(claims, "kubernetes.io");
  if (member == nullptr) return std::optional<KubernetesClaims>();
  if (!member->is_object()) return Refused("the token's kubernetes.io is not an object");
  KubernetesClaims out;
  if (!TakeName(*member, "namespace", out.namespace_name)) {
    return Refused("the token's kubernetes.io needs a namespace of 1 to 256 visible ASCII characters");
  }
  if (!TakeObject(FindMember(*member, "serviceaccount"), out.service_account)) {
    return Refused("the token's kubernetes.io needs a serviceaccount with a name and a uid");
  }
  if (const json* const pod = FindMember(*member, "pod"); pod != nullptr && !TakeObject(pod, out.pod.emplace())) {
    return Refused("the token's kubernetes.io has a pod without a name and a uid");
  }
  return std::optional(std::move(out));
}

Status CheckKubernetesClaims(const std::optional<KubernetesClaims>& claims, const JwtRules& rules) {
  if (rules.kubernetes_namespace && (!claims || claims->namespace_name != *rules.kubernetes_namespace)) {
    return Refused("the token's kubernetes.io is not of the namespace that is asked for");
  }
  if (rules.service_account && (!claims || claims->service_account.name != *rules.service_account)) {
    return Refused("the token's kubernetes.io is not of the serviceaccount that is asked for");
  }
  if (rules.require_bound_pod && (!claims || !claims->pod)) {
    return Refused("the token's kubernetes.io names no pod that the token is bound to");
  }
  return {};
}

}  // namespace coffer::policy
