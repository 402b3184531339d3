// What KeyService's messages say of the service's plain structs.
#pragma once

#include "coffer/v1/key.pb.h"
#include "keysvc/service/key_service.h"

namespace coffer::keysvc {

// kInvalidArgument At "purpose": a number that is none.
Result<KeyringPurpose> PurposeOf(v1::KeyringPurpose purpose);
// kInvalidArgument At "values": not one a key id, or more than a report may have.
Result<KeyCounts> CountsOf(const v1::ReportCensusRequest& request);

void FillKeyringHead(const Keyring& keyring, v1::Keyring& message);  // without its versions
void FillKeyring(const KeyringView& view, v1::Keyring& message);
void FillTenant(const TenantView& tenant, v1::Tenant& message);
void FillCensusSource(const CensusSourceView& view, v1::CensusSource& message);
void FillCensus(const KeyringCensus& census, v1::Census& message);
// Copy the key into the reply in one step.
void FillCallerKey(const CallerKey& key, v1::GenerateDataKeyResponse& message);
void FillUnwrapped(const SecretBytes& key, v1::UnwrapDataKeyResponse& message);

}  // namespace coffer::keysvc
