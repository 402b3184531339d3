// What a Kubernetes API server says in a service account's token, and what rules ask of it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "policy/jwt.h"

namespace coffer::policy {

// Nothing when there is no claim "kubernetes.io". kUnauthenticated: there is, and a name is missing or not one.
Result<std::optional<KubernetesClaims>> ReadKubernetesClaims(const nlohmann::json& claims);

// kUnauthenticated: another namespace or service account than asked for, or no pod where one is asked for.
Status CheckKubernetesClaims(const std::optional<KubernetesClaims>& claims, const JwtRules& rules);

}  // namespace coffer::policy
