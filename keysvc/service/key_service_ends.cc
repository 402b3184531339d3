// The part of KeyService that ends keys, and the census that lets it.
#include "keysvc/service/key_service.h"
#include "keysvc/service/named_mutation.h"
#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

// Checked before anything is looked at; the second person's reason stands in for a reason that is not given.
Result<DestroyOrder> OrderOf(const Caller& caller, const DestroyRequest& request, CallRecord& record) {
  COFFER_TRY(Pipeline::CheckAlone(caller, request.alone_reason, record));
  if (!request.reason.empty() && !policy::IsReason(request.reason)) {
    return Error(ErrorCode::kInvalidArgument, "must be at most 200 characters that all show")
        .At("reason")
        .WithLimit(policy::kMaxReason);
  }
  return DestroyOrder{.by = record.principal,
                      .reason = request.reason.empty() ? request.alone_reason : request.reason,
                      .delay_us = request.delay_us};
}

}  // namespace

Result<KeyringView> KeyService::ScheduleDestroy(const Caller& caller, const DestroyRequest& request) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<KeyringView> {
    NameObject(record, request.name);
    COFFER_ASSIGN_OR_RETURN(const DestroyOrder order, OrderOf(caller, request, record));
    if (unsealed.catalogs->view()->HasIndexUnder(request.name, request.version)) {
      return Error(ErrorCode::kFailedPrecondition,
                   "a live index of a catalog is made under the version: end its rotation first")
          .At("version");
    }
    return unsealed.keys->ScheduleDestroy(request.name, request.version, order, request.no_sources);
  };
  return pipeline_.Mutate(caller, policy::Operation::kScheduleDestroy, act,
                          Subject::Named(request.name, request.alone_reason));
}

Result<KeyringView> KeyService::CancelDestroy(const Caller& caller, const std::string& name, KeyVersion version) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kCancelDestroy, name,
                     [&](KeyEngine& keys) { return keys.CancelDestroy(name, version); });
}

Result<TenantView> KeyService::ShredTenant(const Caller& caller, const DestroyRequest& request) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<TenantView> {
    NameObject(record, request.name);
    COFFER_ASSIGN_OR_RETURN(const DestroyOrder order, OrderOf(caller, request, record));
    return unsealed.keys->ShredTenant(request.name, order);
  };
  return pipeline_.Mutate(caller, policy::Operation::kShredTenant, act,
                          Subject::Named(request.name, request.alone_reason));
}

Result<TenantView> KeyService::CancelShredTenant(const Caller& caller, const std::string& name) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kCancelShredTenant, name,
                     [&](KeyEngine& keys) { return keys.CancelShredTenant(name); });
}

Result<CensusSourceView> KeyService::RegisterCensusSource(const Caller& caller, const std::string& name,
                                                          std::int64_t max_age_us) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->RegisterCensusSource(name, max_age_us, record.principal);
  };
  return pipeline_.Mutate(caller, policy::Operation::kRegisterCensusSource, act, Subject::Named(name));
}

Result<bool> KeyService::RemoveCensusSource(const Caller& caller, const std::string& name,
                                            const std::string& alone_reason) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    NameObject(record, name);
    COFFER_TRY(Pipeline::CheckAlone(caller, alone_reason, record));
    COFFER_TRY(unsealed.keys->RemoveCensusSource(name));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kRemoveCensusSource, act, Subject::Named(name, alone_reason));
}

Result<std::vector<CensusSourceView>> KeyService::ListCensusSources(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::vector<CensusSourceView>> {
    std::vector<CensusSourceView> sources = unsealed.keys->ListCensusSources();
    record.items = sources.size();
    return sources;
  };
  return pipeline_.Read(caller, policy::Operation::kListCensusSources, act);
}

Result<CensusSourceView> KeyService::ReportCensus(const Caller& caller, const CensusReport& report) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, report.source);
    record.items = report.counts.size();
    return unsealed.keys->ReportCensus(report.source, report.as_of_us, report.counts, record.principal);
  };
  return pipeline_.Mutate(caller, policy::Operation::kReportCensus, act, Subject::Named(report.source));
}

Result<KeyringCensus> KeyService::GetCensus(const Caller& caller, const std::string& keyring) const {
  return pipeline_.Read(caller, policy::Operation::kGetCensus, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, keyring);
    return unsealed.keys->GetCensus(keyring);
  });
}

}  // namespace coffer::keysvc
