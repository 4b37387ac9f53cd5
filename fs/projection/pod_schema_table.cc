// SPDX-License-Identifier: Apache-2.0
//
// The table behind pod_schema.h, sorted by struct. Fields that later releases dropped stay: a pod
// file may be old. Left out is managedFields[].fieldsV1, which has no fixed shape.
#include <algorithm>
#include <iterator>

#include "fs/projection/pod_schema.h"

namespace downwardfs {
namespace {

// metadata, spec and status, without containers and volumes.
constexpr SchemaStruct kPodStructs[] = {
    {"Affinity",
     "nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity"},
    {"AppArmorProfile", "localhostProfile type"},
    {"ClaimSource", "resourceClaimName resourceClaimTemplateName"},
    {"EvictionResponder", "name priority"},
    {"HostAlias", "hostnames:[] ip"},
    {"HostIP", "ip"},
    {"LabelSelector", "matchExpressions:[LabelSelectorRequirement] matchLabels:{}"},
    {"LabelSelectorRequirement", "key operator values:[]"},
    {"LocalObjectReference", "name"},
    {"ManagedFieldsEntry", "apiVersion fieldsType manager operation subresource time"},
    {"NodeAffinity",
     "preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm] "
     "requiredDuringSchedulingIgnoredDuringExecution:NodeSelector"},
    {"NodeAllocatableResourceClaimStatus",
     "containers:[] mapping:[NodeAllocatableResourceMapping] "
     "overhead:[NodeAllocatableResourceOverhead] resourceClaimName"},
    {"NodeAllocatableResourceMapping", "name quantity"},
    {"NodeAllocatableResourceOverhead", "name perContainer perPod"},
    {"NodeSelector", "nodeSelectorTerms:[NodeSelectorTerm]"},
    {"NodeSelectorRequirement", "key operator values:[]"},
    {"NodeSelectorTerm",
     "matchExpressions:[NodeSelectorRequirement] matchFields:[NodeSelectorRequirement]"},
    {"ObjectMeta",
     "annotations:{} clusterName creationTimestamp deletionGracePeriodSeconds deletionTimestamp "
     "finalizers:[] generateName generation labels:{} managedFields:[ManagedFieldsEntry] name "
     "namespace ownerReferences:[OwnerReference] resourceVersion selfLink uid"},
    {"OwnerReference", "apiVersion blockOwnerDeletion controller kind name uid"},
    {"Pod", "apiVersion kind metadata:ObjectMeta spec:PodSpec status:PodStatus"},
    {"PodAffinity",
     "preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm] "
     "requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]"},
    {"PodAffinityTerm",
     "labelSelector:LabelSelector matchLabelKeys:[] mismatchLabelKeys:[] "
     "namespaceSelector:LabelSelector namespaces:[] topologyKey"},
    {"PodAntiAffinity",
     "preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm] "
     "requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]"},
    {"PodCondition",
     "lastProbeTime lastTransitionTime message observedGeneration reason status type"},
    {"PodDNSConfig", "nameservers:[] options:[PodDNSConfigOption] searches:[]"},
    {"PodDNSConfigOption", "name value"},
    {"PodExtendedResourceClaimStatus",
     "requestMappings:[ContainerExtendedResourceRequest] resourceClaimName"},
    {"PodIP", "ip"},
    {"PodOS", "name"},
    {"PodReadinessGate", "conditionType"},
    {"PodResourceClaim", "name resourceClaimName resourceClaimTemplateName source:ClaimSource"},
    {"PodResourceClaimStatus", "name resourceClaimName"},
    {"PodSchedulingGate", "name"},
    {"PodSchedulingGroup", "podGroupName"},
    {"PodSecurityContext",
     "appArmorProfile:AppArmorProfile fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot "
     "runAsUser seLinuxChangePolicy seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile "
     "supplementalGroups:[] supplementalGroupsPolicy sysctls:[Sysctl] "
     "windowsOptions:WindowsSecurityContextOptions"},
    {"PodSpec",
     "activeDeadlineSeconds affinity:Affinity automountServiceAccountToken containers:[Container] "
     "dnsConfig:PodDNSConfig dnsPolicy enableServiceLinks ephemeralContainers:[EphemeralContainer] "
     "evictionResponders:[EvictionResponder] hostAliases:[HostAlias] hostIPC hostNetwork hostPID "
     "hostUsers hostname hostnameOverride imagePullSecrets:[LocalObjectReference] "
     "initContainers:[Container] nodeName nodeSelector:{} os:PodOS overhead:{} preemptionPolicy "
     "priority priorityClassName readinessGates:[PodReadinessGate] "
     "resourceClaims:[PodResourceClaim] resources:ResourceRequirements restartPolicy "
     "runtimeClassName schedulerName schedulingGates:[PodSchedulingGate] "
     "schedulingGroup:PodSchedulingGroup securityContext:PodSecurityContext serviceAccount "
     "serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain "
     "terminationGracePeriodSeconds tolerations:[Toleration] "
     "topologySpreadConstraints:[TopologySpreadConstraint] volumes:[Volume]"},
    {"PodStatus",
     "allocatedResources:{} conditions:[PodCondition] containerStatuses:[ContainerStatus] "
     "ephemeralContainerStatuses:[ContainerStatus] "
     "extendedResourceClaimStatus:PodExtendedResourceClaimStatus hostIP hostIPs:[HostIP] "
     "initContainerStatuses:[ContainerStatus] message "
     "nodeAllocatableResourceClaimStatuses:[NodeAllocatableResourceClaimStatus] nominatedNodeName "
     "observedGeneration phase podIP podIPs:[PodIP] qosClass reason resize "
     "resourceClaimStatuses:[PodResourceClaimStatus] resources:ResourceRequirements startTime "
     "volumeHealth:[PodVolumeHealth]"},
    {"PodVolumeHealth", "healthConditions:[PodVolumeHealthCondition] lastTransitionTime name"},
    {"PodVolumeHealthCondition", "message reason status"},
    {"PreferredSchedulingTerm", "preference:NodeSelectorTerm weight"},
    {"SELinuxOptions", "level role type user"},
    {"SeccompProfile", "localhostProfile type"},
    {"Sysctl", "name value"},
    {"Toleration", "effect key operator tolerationSeconds value"},
    {"TopologySpreadConstraint",
     "labelSelector:LabelSelector matchLabelKeys:[] maxSkew minDomains nodeAffinityPolicy "
     "nodeTaintsPolicy topologyKey whenUnsatisfiable"},
    {"WeightedPodAffinityTerm", "podAffinityTerm:PodAffinityTerm weight"},
    {"WindowsSecurityContextOptions",
     "gmsaCredentialSpec gmsaCredentialSpecName hostProcess runAsUserName"},
};

// Containers and their statuses.
constexpr SchemaStruct kContainerStructs[] = {
    {"Capabilities", "add:[] drop:[]"},
    {"ConfigMapEnvSource", "name optional"},
    {"ConfigMapKeySelector", "key name optional"},
    {"Container",
     "args:[] command:[] env:[EnvVar] envFrom:[EnvFromSource] image imagePullPolicy "
     "lifecycle:Lifecycle livenessProbe:Probe name ports:[ContainerPort] readinessProbe:Probe "
     "resizePolicy:[ContainerResizePolicy] resources:ResourceRequirements restartPolicy "
     "restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext "
     "startupProbe:Probe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty "
     "volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] workingDir"},
    {"ContainerExtendedResourceRequest", "containerName requestName resourceName"},
    {"ContainerPort", "containerPort hostIP hostPort name protocol"},
    {"ContainerResizePolicy", "resourceName restartPolicy"},
    {"ContainerRestartRule", "action exitCodes:ContainerRestartRuleOnExitCodes"},
    {"ContainerRestartRuleOnExitCodes", "operator values:[]"},
    {"ContainerState",
     "running:ContainerStateRunning terminated:ContainerStateTerminated "
     "waiting:ContainerStateWaiting"},
    {"ContainerStateRunning", "startedAt"},
    {"ContainerStateTerminated", "containerID exitCode finishedAt message reason signal startedAt"},
    {"ContainerStateWaiting", "message reason"},
    {"ContainerStatus",
     "allocatedResources:{} allocatedResourcesStatus:[ResourceStatus] containerID image imageID "
     "lastState:ContainerState name ready resources:ResourceRequirements restartCount started "
     "state:ContainerState stopSignal user:ContainerUser volumeMounts:[VolumeMountStatus]"},
    {"ContainerUser", "linux:LinuxContainerUser"},
    {"EnvFromSource", "configMapRef:ConfigMapEnvSource prefix secretRef:SecretEnvSource"},
    {"EnvVar", "name value valueFrom:EnvVarSource"},
    {"EnvVarSource",
     "configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector "
     "fileKeyRef:FileKeySelector resourceFieldRef:ResourceFieldSelector "
     "secretKeyRef:SecretKeySelector"},
    {"EphemeralContainer",
     "args:[] command:[] env:[EnvVar] envFrom:[EnvFromSource] image imagePullPolicy "
     "lifecycle:Lifecycle livenessProbe:Probe name ports:[ContainerPort] readinessProbe:Probe "
     "resizePolicy:[ContainerResizePolicy] resources:ResourceRequirements restartPolicy "
     "restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext "
     "startupProbe:Probe stdin stdinOnce targetContainerName terminationMessagePath "
     "terminationMessagePolicy tty volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] "
     "workingDir"},
    {"ExecAction", "command:[]"},
    {"FileKeySelector", "key optional path volumeName"},
    {"GRPCAction", "mode port service"},
    {"HTTPGetAction", "host httpHeaders:[HTTPHeader] path port protocol scheme"},
    {"HTTPHeader", "name value"},
    {"Lifecycle", "postStart:LifecycleHandler preStop:LifecycleHandler stopSignal"},
    {"LifecycleHandler",
     "exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction"},
    {"LinuxContainerUser", "gid supplementalGroups:[] uid"},
    {"ObjectFieldSelector", "apiVersion fieldPath"},
    {"Probe",
     "exec:ExecAction failureThreshold grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds "
     "periodSeconds successThreshold tcpSocket:TCPSocketAction terminationGracePeriodSeconds "
     "timeoutSeconds"},
    {"ResourceClaim", "name request"},
    {"ResourceFieldSelector", "containerName divisor resource"},
    {"ResourceHealth", "health message resourceID"},
    {"ResourceRequirements", "claims:[ResourceClaim] limits:{} requests:{}"},
    {"ResourceStatus", "name resources:[ResourceHealth]"},
    {"SecretEnvSource", "name optional"},
    {"SecretKeySelector", "key name optional"},
    {"SecurityContext",
     "allowPrivilegeEscalation appArmorProfile:AppArmorProfile capabilities:Capabilities "
     "privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser "
     "seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile "
     "windowsOptions:WindowsSecurityContextOptions"},
    {"SleepAction", "seconds"},
    {"TCPSocketAction", "host port"},
    {"VolumeDevice", "devicePath name"},
    {"VolumeMount",
     "bindMountOptions:[] mountPath mountPropagation name readOnly recursiveReadOnly subPath "
     "subPathExpr"},
    {"VolumeMountStatus", "mountPath name readOnly recursiveReadOnly volumeStatus:VolumeStatus"},
};

// Volumes and their sources.
constexpr SchemaStruct kVolumeStructs[] = {
    {"AWSElasticBlockStoreVolumeSource", "fsType partition readOnly volumeID"},
    {"AzureDiskVolumeSource", "cachingMode diskName diskURI fsType kind readOnly"},
    {"AzureFileVolumeSource", "readOnly secretName shareName"},
    {"CSIVolumeSource",
     "driver fsType nodePublishSecretRef:LocalObjectReference readOnly volumeAttributes:{}"},
    {"CephFSVolumeSource",
     "monitors:[] path readOnly secretFile secretRef:LocalObjectReference user"},
    {"CinderVolumeSource", "fsType readOnly secretRef:LocalObjectReference volumeID"},
    {"ClusterTrustBundleProjection",
     "labelSelector:LabelSelector name optional path signerName user"},
    {"ConfigMapProjection", "items:[KeyToPath] name optional"},
    {"ConfigMapVolumeSource", "defaultMode defaultUser items:[KeyToPath] name optional"},
    {"DownwardAPIProjection", "items:[DownwardAPIVolumeFile]"},
    {"DownwardAPIVolumeFile",
     "fieldRef:ObjectFieldSelector mode path resourceFieldRef:ResourceFieldSelector user"},
    {"DownwardAPIVolumeSource", "defaultMode defaultUser items:[DownwardAPIVolumeFile]"},
    {"EmptyDirVolumeSource", "medium mode sizeLimit"},
    {"EphemeralVolumeSource", "readOnly volumeClaimTemplate:PersistentVolumeClaimTemplate"},
    {"FCVolumeSource", "fsType lun readOnly targetWWNs:[] wwids:[]"},
    {"FlexVolumeSource", "driver fsType options:{} readOnly secretRef:LocalObjectReference"},
    {"FlockerVolumeSource", "datasetName datasetUUID"},
    {"GCEPersistentDiskVolumeSource", "fsType partition pdName readOnly"},
    {"GitRepoVolumeSource", "directory repository revision"},
    {"GlusterfsVolumeSource", "endpoints path readOnly"},
    {"HostPathVolumeSource", "path type"},
    {"ISCSIVolumeSource",
     "chapAuthDiscovery chapAuthSession fsType initiatorName iqn iscsiInterface lun portals:[] "
     "readOnly secretRef:LocalObjectReference targetPortal"},
    {"ImageVolumeSource", "pullPolicy reference"},
    {"ImageVolumeStatus", "imageRef"},
    {"KeyToPath", "key mode path user"},
    {"NFSVolumeSource", "path readOnly server"},
    {"PersistentVolumeClaimSpec",
     "accessModes:[] dataSource:TypedLocalObjectReference dataSourceRef:TypedObjectReference "
     "resources:ResourceRequirements selector:LabelSelector storageClassName "
     "volumeAttributesClassName volumeMode volumeName"},
    {"PersistentVolumeClaimTemplate", "metadata:ObjectMeta spec:PersistentVolumeClaimSpec"},
    {"PersistentVolumeClaimVolumeSource", "claimName readOnly"},
    {"PhotonPersistentDiskVolumeSource", "fsType pdID"},
    {"PodCertificateProjection",
     "certificateChainPath credentialBundlePath keyPath keyType maxExpirationSeconds signerName "
     "user userAnnotations:{}"},
    {"PortworxVolumeSource", "fsType readOnly volumeID"},
    {"ProjectedVolumeSource", "defaultMode defaultUser sources:[VolumeProjection]"},
    {"QuobyteVolumeSource", "group readOnly registry tenant user volume"},
    {"RBDVolumeSource",
     "fsType image keyring monitors:[] pool readOnly secretRef:LocalObjectReference user"},
    {"ScaleIOVolumeSource",
     "fsType gateway protectionDomain readOnly secretRef:LocalObjectReference sslEnabled "
     "storageMode storagePool system volumeName"},
    {"SecretProjection", "items:[KeyToPath] name optional"},
    {"SecretVolumeSource", "defaultMode defaultUser items:[KeyToPath] optional secretName"},
    {"ServiceAccountTokenProjection", "audience expirationSeconds path user"},
    {"StorageOSVolumeSource",
     "fsType readOnly secretRef:LocalObjectReference volumeName volumeNamespace"},
    {"TypedLocalObjectReference", "apiGroup kind name"},
    {"TypedObjectReference", "apiGroup kind name namespace"},
    {"Volume",
     "awsElasticBlockStore:AWSElasticBlockStoreVolumeSource azureDisk:AzureDiskVolumeSource "
     "azureFile:AzureFileVolumeSource cephfs:CephFSVolumeSource cinder:CinderVolumeSource "
     "configMap:ConfigMapVolumeSource csi:CSIVolumeSource downwardAPI:DownwardAPIVolumeSource "
     "emptyDir:EmptyDirVolumeSource ephemeral:EphemeralVolumeSource fc:FCVolumeSource "
     "flexVolume:FlexVolumeSource flocker:FlockerVolumeSource "
     "gcePersistentDisk:GCEPersistentDiskVolumeSource gitRepo:GitRepoVolumeSource "
     "glusterfs:GlusterfsVolumeSource hostPath:HostPathVolumeSource image:ImageVolumeSource "
     "iscsi:ISCSIVolumeSource name nfs:NFSVolumeSource "
     "persistentVolumeClaim:PersistentVolumeClaimVolumeSource "
     "photonPersistentDisk:PhotonPersistentDiskVolumeSource portworxVolume:PortworxVolumeSource "
     "projected:ProjectedVolumeSource quobyte:QuobyteVolumeSource rbd:RBDVolumeSource "
     "scaleIO:ScaleIOVolumeSource secret:SecretVolumeSource storageos:StorageOSVolumeSource "
     "vsphereVolume:VsphereVirtualDiskVolumeSource"},
    {"VolumeProjection",
     "clusterTrustBundle:ClusterTrustBundleProjection configMap:ConfigMapProjection "
     "downwardAPI:DownwardAPIProjection podCertificate:PodCertificateProjection "
     "secret:SecretProjection serviceAccountToken:ServiceAccountTokenProjection"},
    {"VolumeStatus", "image:ImageVolumeStatus"},
    {"VsphereVirtualDiskVolumeSource", "fsType storagePolicyID storagePolicyName volumePath"},
};

template <std::size_t N>
constexpr bool IsSorted(const SchemaStruct (&rows)[N]) {
  for (std::size_t i = 1; i < N; ++i) {
    if (!(rows[i - 1].name < rows[i].name)) return false;
  }
  return true;
}
static_assert(IsSorted(kPodStructs) && IsSorted(kContainerStructs) && IsSorted(kVolumeStructs));

template <std::size_t N>
const SchemaStruct* Find(const SchemaStruct (&rows)[N], std::string_view name) {
  const auto* const row = std::lower_bound(
      std::begin(rows), std::end(rows), name,
      [](const SchemaStruct& a, std::string_view wanted) { return a.name < wanted; });
  return row != std::end(rows) && row->name == name ? row : nullptr;
}

}  // namespace

const SchemaStruct* FindSchemaStruct(std::string_view name) {
  if (const SchemaStruct* row = Find(kPodStructs, name)) return row;
  if (const SchemaStruct* row = Find(kContainerStructs, name)) return row;
  return Find(kVolumeStructs, name);
}

}  // namespace downwardfs
