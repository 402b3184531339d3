#include "keysvc/rpc/admin_door.h"

#include "keysvc/rpc/seal_messages.h"

namespace coffer::keysvc {
namespace {

constexpr char kVersion[] = COFFER_VERSION;

v1::ServiceState StateOf(BarrierState state) {
  switch (state) {
    case BarrierState::kUninitialised:
      return v1::SERVICE_STATE_UNINITIALISED;
    case BarrierState::kSealed:
      return v1::SERVICE_STATE_SEALED;
    case BarrierState::kUnsealed:
      return v1::SERVICE_STATE_UNSEALED;
    case BarrierState::kCompromised:
      return v1::SERVICE_STATE_COMPROMISED;
    case BarrierState::kRolledBack:
      return v1::SERVICE_STATE_ROLLED_BACK;
  }
  return v1::SERVICE_STATE_UNSPECIFIED;
}

void FillStatus(const StatusView& view, v1::GetStatusResponse& message) {
  message.set_state(StateOf(view.facts.state));
  message.set_version(kVersion);
  message.set_store_uuid(view.facts.store_uuid);
  message.set_store_epoch(view.store_epoch);
  message.set_keyrings(view.counts.keyrings);
  message.set_tenants(view.counts.tenants);
  message.set_data_keys(view.counts.data_keys);
  message.set_scopes(view.scopes);
  message.set_started_us(view.started_us);
  message.set_memory_locked(view.memory_locked);
  message.set_principal(view.principal);
  for (const SealSlotRecord& slot : view.facts.seal_slots)
    message.add_seal_slots(std::string(SlotKindName(KindOf(slot.params))));
  message.set_rollback(std::string(view.facts.rollback));
  message.set_audit_witnessed(view.audit.witnessed);
  for (const AuditWitnessView& witness : view.audit.witnesses) {
    v1::AuditWitness* const added = message.add_audit_witnesses();
    added->set_name(witness.name);
    added->set_size(witness.size);
    added->set_cosigned_us(witness.cosigned_us);
    added->set_trouble(witness.trouble);
  }
}

template <typename Message>
void FillChanges(const policy::CatalogChange& change, Message& message) {
  for (const policy::ChangeLine& line : change.lines) {
    v1::CatalogChange* added = message.add_changes();
    added->set_kind(std::string(policy::ChangeKindName(line.kind)));
    added->set_field(line.field);
    added->set_what(line.what);
    added->set_weakens(line.weakening);
  }
}

}  // namespace

grpc::ServerUnaryReactor* AdminDoor::Unseal(grpc::CallbackServerContext* context, const v1::UnsealRequest* request,
                                            v1::UnsealResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<Barrier::Shared> {
    if (request->seal_case() == v1::UnsealRequest::kShare) {
      return service_.UnsealByShare(caller, SecretBytes::CopyOf(AsBytes(request->share())));
    }
    const Result<std::optional<SealSource>> source = SourceOf(*request);
    if (!source.ok()) return service_.Reject(caller, policy::Operation::kUnseal, source.error());
    return service_.Unseal(caller, *source);
  };
  return AnswerWith(
      context, context_, *request, response, act,
      [](const Barrier::Shared& shared, v1::UnsealResponse& message) {
        message.set_shares_have(static_cast<std::uint32_t>(shared.have));
        message.set_shares_missing(static_cast<std::uint32_t>(shared.missing));
      },
      RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::Seal(grpc::CallbackServerContext* context, const v1::SealRequest* request,
                                          v1::SealResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.Seal(caller); };
  return AnswerWith(
      context, context_, *request, response, act, [](bool, v1::SealResponse&) {}, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::GetStatus(grpc::CallbackServerContext* context,
                                               const v1::GetStatusRequest* request, v1::GetStatusResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.ShowStatus(caller); };
  return AnswerWith(context, context_, *request, response, act, FillStatus, RunOn::kOperator);
}

grpc::ServerUnaryReactor* AdminDoor::ApplyCatalog(grpc::CallbackServerContext* context,
                                                  const v1::ApplyCatalogRequest* request,
                                                  v1::ApplyCatalogResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.Apply(caller, request->catalog(), request->lock());
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](const policy::CatalogChange& change, v1::ApplyCatalogResponse& message) {
                      message.set_lock(policy::WriteCatalogLock(change.lock));
                      FillChanges(change, message);
                    });
}

grpc::ServerUnaryReactor* AdminDoor::DiffCatalog(grpc::CallbackServerContext* context,
                                                 const v1::DiffCatalogRequest* request,
                                                 v1::DiffCatalogResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.Diff(caller, request->catalog(), request->lock());
  };
  return AnswerWith(context, context_, *request, response, act,
                    [](const policy::CatalogChange& change, v1::DiffCatalogResponse& message) {
                      FillChanges(change, message);
                      message.set_weakens(change.NeedsSecondPerson());
                    });
}

grpc::ServerUnaryReactor* AdminDoor::GetCatalog(grpc::CallbackServerContext* context,
                                                const v1::GetCatalogRequest* request,
                                                v1::GetCatalogResponse* response) {
  const auto act = [this, request](const Caller& caller) { return service_.ShowCatalog(caller, request->scope()); };
  return AnswerWith(context, context_, *request, response, act,
                    [](const AdminService::CatalogText& text, v1::GetCatalogResponse& message) {
                      message.set_lock(text.lock);
                      for (const std::string& scope : text.scopes) message.add_scopes(scope);
                    });
}

}  // namespace coffer::keysvc
