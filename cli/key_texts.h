// How keyrings, tenants and the census are shown.
#pragma once

#include "cli/printing.h"
#include "coffer/v1/key.pb.h"

namespace coffer::cli {

std::string_view VersionStateName(v1::KeyVersionState state);
std::string_view PurposeName(v1::KeyringPurpose purpose);
// UNSPECIFIED for a word that is none.
v1::KeyringPurpose PurposeOf(std::string_view name);
// "destroy scheduled".
std::string_view TenantStateName(v1::TenantState state);

Json KeyringHeadJson(const v1::Keyring& keyring);
// `census` null: not asked for.
Json KeyringJson(const v1::Keyring& keyring, const v1::Census* census);
std::string KeyringText(const v1::Keyring& keyring, const v1::Census* census);

Json TenantJson(const v1::Tenant& tenant);
std::string TenantText(const v1::Tenant& tenant);

Json SourceJson(const v1::CensusSource& source);
std::string SourcesText(const google::protobuf::RepeatedPtrField<v1::CensusSource>& sources);
Json CensusJson(const v1::Census& census);
std::string CensusText(const v1::Census& census);

}  // namespace coffer::cli
