#include "bench/empty_server.h"

#include <signal.h>

#include <grpcpp/grpcpp.h>

namespace coffer::bench {
namespace {

constexpr std::size_t kOverhead = 50;  // of suite 1

class EmptyFieldService final : public v1::FieldService::CallbackService {
 public:
  grpc::ServerUnaryReactor* EncryptFields(grpc::CallbackServerContext* context, const v1::EncryptFieldsRequest* request,
                                          v1::EncryptFieldsResponse* response) override {
    for (const v1::Column& column : request->columns()) {
      v1::ColumnResult* result = response->add_columns();
      result->mutable_values()->Reserve(column.values_size());
      for (const std::string& value : column.values()) result->add_values(std::string(value.size() + kOverhead, 'c'));
    }
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int ServeEmpty(const std::string& socket) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  EmptyFieldService service;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.SetMaxSendMessageSize(16 << 20);
  builder.AddListeningPort("unix:" + socket, grpc::experimental::LocalServerCredentials(UDS));
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  server->Shutdown();
  return 0;
}

}  // namespace coffer::bench
