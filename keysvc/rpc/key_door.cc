#include "keysvc/rpc/key_door.h"

#include "keysvc/rpc/key_messages.h"

namespace coffer::keysvc {
namespace {

// What both destructions ask for.
template <typename Request>
DestroyRequest OrderOf(const Request& request) {
  DestroyRequest order;
  order.name = request.name();
  order.reason = request.reason();
  order.delay_us = request.delay_us();
  return order;
}

}  // namespace

grpc::ServerUnaryReactor* KeyDoor::CreateKeyring(grpc::CallbackServerContext* context,
                                                 const v1::CreateKeyringRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) -> Result<KeyringView> {
    const Result<KeyringPurpose> purpose = PurposeOf(request->purpose());
    if (!purpose.ok()) return service_.Reject(caller, policy::Operation::kCreateKeyring, purpose.error());
    return service_.CreateKeyring(caller, request->name(), *purpose);
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::GetKeyring(grpc::CallbackServerContext* context,
                                              const v1::GetKeyringRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) { return service_.GetKeyring(caller, request->name()); };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::ListKeyrings(grpc::CallbackServerContext* context,
                                                const v1::ListKeyringsRequest* request,
                                                v1::ListKeyringsResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.ListKeyrings(caller, request->page_size(), request->page_token());
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](const KeyService::Page<Keyring>& page, v1::ListKeyringsResponse& message) {
                      for (const Keyring& keyring : page.items) FillKeyringHead(keyring, *message.add_keyrings());
                      message.set_next_page_token(page.next);
                    });
}

grpc::ServerUnaryReactor* KeyDoor::RotateKeyring(grpc::CallbackServerContext* context,
                                                 const v1::RotateKeyringRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.RotateKeyring(caller, request->name(), KeyVersion{request->expected_primary_version()});
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::DisableKeyVersion(grpc::CallbackServerContext* context,
                                                     const v1::DisableKeyVersionRequest* request,
                                                     v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.DisableVersion(caller, request->name(), KeyVersion{request->version()});
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::EnableKeyVersion(grpc::CallbackServerContext* context,
                                                    const v1::EnableKeyVersionRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.EnableVersion(caller, request->name(), KeyVersion{request->version()});
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::CreateTenant(grpc::CallbackServerContext* context,
                                                const v1::CreateTenantRequest* request, v1::Tenant* response) {
  const auto act = [this, request](const Caller& caller) { return service_.CreateTenant(caller, request->name()); };
  return AnswerWith(context, context_, *request, response, act,
                    [](const Tenant& tenant, v1::Tenant& message) { FillTenant(TenantView{tenant}, message); });
}

grpc::ServerUnaryReactor* KeyDoor::ListTenants(grpc::CallbackServerContext* context,
                                               const v1::ListTenantsRequest* request,
                                               v1::ListTenantsResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.ListTenants(caller, request->page_size(), request->page_token());
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](const KeyService::Page<TenantView>& page, v1::ListTenantsResponse& message) {
                      for (const TenantView& tenant : page.items) FillTenant(tenant, *message.add_tenants());
                      message.set_next_page_token(page.next);
                    });
}

grpc::ServerUnaryReactor* KeyDoor::RotateKek(grpc::CallbackServerContext* context, const v1::RotateKekRequest* request,
                                             v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) { return service_.RotateKek(caller, request->name()); };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::SetRotation(grpc::CallbackServerContext* context,
                                               const v1::SetRotationRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.SetRotation(caller, request->name(), request->period_us());
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::ScheduleDestroy(grpc::CallbackServerContext* context,
                                                   const v1::ScheduleDestroyRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    DestroyRequest order = OrderOf(*request);
    order.version = KeyVersion{request->version()};
    order.no_sources = request->no_sources();
    return service_.ScheduleDestroy(caller, order);
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::CancelDestroy(grpc::CallbackServerContext* context,
                                                 const v1::CancelDestroyRequest* request, v1::Keyring* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.CancelDestroy(caller, request->name(), KeyVersion{request->version()});
  };
  return AnswerWith(context, context_, *request, response, act, FillKeyring);
}

grpc::ServerUnaryReactor* KeyDoor::GetTenant(grpc::CallbackServerContext* context, const v1::GetTenantRequest* request,
                                             v1::Tenant* response) {
  const auto act = [this, request](const Caller& caller) { return service_.GetTenant(caller, request->name()); };
  return AnswerWith(context, context_, *request, response, act, FillTenant);
}

grpc::ServerUnaryReactor* KeyDoor::ShredTenant(grpc::CallbackServerContext* context,
                                               const v1::ShredTenantRequest* request, v1::Tenant* response) {
  const auto act = [this, request](const Caller& caller) { return service_.ShredTenant(caller, OrderOf(*request)); };
  return AnswerWith(context, context_, *request, response, act, FillTenant);
}

grpc::ServerUnaryReactor* KeyDoor::CancelShredTenant(grpc::CallbackServerContext* context,
                                                     const v1::CancelShredTenantRequest* request,
                                                     v1::Tenant* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.CancelShredTenant(caller, request->name());
  };
  return AnswerWith(context, context_, *request, response, act, FillTenant);
}

grpc::ServerUnaryReactor* KeyDoor::RegisterCensusSource(grpc::CallbackServerContext* context,
                                                        const v1::RegisterCensusSourceRequest* request,
                                                        v1::CensusSource* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.RegisterCensusSource(caller, request->name(), request->max_age_us());
  };
  return AnswerWith(context, context_, *request, response, act, FillCensusSource);
}

grpc::ServerUnaryReactor* KeyDoor::RemoveCensusSource(grpc::CallbackServerContext* context,
                                                      const v1::RemoveCensusSourceRequest* request,
                                                      v1::RemoveCensusSourceResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.RemoveCensusSource(caller, request->name());
  };
  return AnswerWith(context, context_, *request, response, act, [](bool, v1::RemoveCensusSourceResponse&) {});
}

grpc::ServerUnaryReactor* KeyDoor::ListCensusSources(grpc::CallbackServerContext* context,
                                                     const v1::ListCensusSourcesRequest* request,
                                                     v1::ListCensusSourcesResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ListCensusSources(caller); };
  return AnswerWith(context, context_, *request, response, act,
                    [](const std::vector<CensusSourceView>& sources, v1::ListCensusSourcesResponse& message) {
                      for (const CensusSourceView& source : sources) FillCensusSource(source, *message.add_sources());
                    });
}

grpc::ServerUnaryReactor* KeyDoor::ReportCensus(grpc::CallbackServerContext* context,
                                                const v1::ReportCensusRequest* request, v1::CensusSource* response) {
  const auto act = [this, request](const Caller& caller) -> Result<CensusSourceView> {
    Result<KeyCounts> counts = CountsOf(*request);
    if (!counts.ok()) return service_.Reject(caller, policy::Operation::kReportCensus, counts.error());
    return service_.ReportCensus(
        caller, {.source = request->source(), .as_of_us = request->as_of_us(), .counts = std::move(counts).value()});
  };
  return AnswerWith(context, context_, *request, response, act, FillCensusSource);
}

grpc::ServerUnaryReactor* KeyDoor::GetCensus(grpc::CallbackServerContext* context, const v1::GetCensusRequest* request,
                                             v1::Census* response) {
  const auto act = [this, request](const Caller& caller) { return service_.GetCensus(caller, request->keyring()); };
  return AnswerWith(context, context_, *request, response, act, FillCensus);
}

grpc::ServerUnaryReactor* KeyDoor::GenerateDataKey(grpc::CallbackServerContext* context,
                                                   const v1::GenerateDataKeyRequest* request,
                                                   v1::GenerateDataKeyResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.GenerateDataKey(caller, request->keyring(), request->tenant());
  };
  return AnswerWith(context, context_, *request, response, act, FillCallerKey);
}

grpc::ServerUnaryReactor* KeyDoor::UnwrapDataKey(grpc::CallbackServerContext* context,
                                                 const v1::UnwrapDataKeyRequest* request,
                                                 v1::UnwrapDataKeyResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.UnwrapDataKey(caller, request->keyring(), request->tenant(), AsBytes(request->wrapped()));
  };
  return AnswerWith(context, context_, *request, response, act, FillUnwrapped);
}

}  // namespace coffer::keysvc
