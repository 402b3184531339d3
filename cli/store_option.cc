#include "cli/store_option.h"

namespace coffer::cli {

void AddStoreOption(CLI::App& command, std::string& told) {
  command.add_option("--store", told, "The store's UUID; the service's unless told")->type_name("UUID");
}

Outcome<StoreUuid> StoreOf(Session& session, const std::string& told) {
  std::string text = told;
  if (text.empty()) {
    COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
    COFFER_ASSIGN_OR_RETURN(const auto status, client->GetStatus({}));
    text = status.store_uuid();
  }
  const Result<StoreUuid> store = StoreUuid::Parse(text);
  if (!store.ok()) return UsageFailure("--store: is no store's UUID: `coffer operator status` shows it");
  return *store;
}

}  // namespace coffer::cli
